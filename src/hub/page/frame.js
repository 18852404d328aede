// One drawing for each frame at most, however much has come.

/** Returns a function that has `draw` called with the next frame. */
export function oncePerFrame(draw) {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      draw();
    });
  };
}
