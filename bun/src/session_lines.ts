/**
 * Runs as they were written and as they are run: where a line of the one is in the other.
 *
 * Bun's transpiler turns TypeScript into code that can be run again and again in one scope, and tells nothing of where its lines come from. Both
 * texts have the same names in almost the same order, so that these are laid beside each other; this is done for code that has thrown.
 */

/** A run's code, and what is run. */
interface Source {
  code: string;
  script: string;
  /** The places of the names in the script, and where each is in the code. */
  places?: Place[];
}

interface Word {
  text: string;
  line: number;
  column: number;
}

interface Place {
  at: Word;
  from: Word | undefined;
}

/** Runs that are remembered, for functions that they have left. */
const SOURCES = 100;
/** How far apart two names that are the same may be, in both texts together. */
const REACH = 400;
/** More of a text than this is not compared. */
const COMPARED = 1 << 21;
/** Names; texts and comments are passed over as a whole. */
const TOKENS = /\/\/.*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/gu;
/** What the transpiler begins with: the names of the top level, before the function that everything is in. */
const HEADER = /^\((?:async )?\(\) => \{$/m;
const PLACES = /<run-(\d+)>:(\d+)(?::(\d+))?/g;

const sources = new Map<number, Source>();

/** Remembers what a run is. */
export function remember(number: number, code: string, script: string): void {
  sources.set(number, { code, script });
  if (sources.size > SOURCES) {
    for (const oldest of sources.keys()) {
      sources.delete(oldest);
      break;
    }
  }
}

/** Puts the places of the code in the place of those of what was run. */
export function inCode(text: string): string {
  return text.replace(PLACES, (whole, run: string, line: string, column: string | undefined) => {
    const source = sources.get(Number(run));
    if (source === undefined) return `<run-${run}>`;
    const from = place(source, Number(line), Number(column ?? Infinity));
    if (from === undefined) return source.code.length > COMPARED ? `<run-${run}>` : whole;
    return `<run-${run}>:${from.line}:${from.column}`;
  });
}

/** Finds the name of the code that is the last one before a place of the script, on its line if there is one. */
function place(source: Source, line: number, column: number): Word | undefined {
  source.places ??= source.code.length > COMPARED ? [] : compared(source);
  let found: Word | undefined;
  for (const { at, from } of source.places) {
    if (at.line > line || (at.line === line && at.column > column && found !== undefined)) break;
    found = from ?? found;
  }
  return found;
}

function compared({ code, script }: Source): Place[] {
  const header = HEADER.exec(script)?.index ?? 0;
  const ours = wordsOf(code, 0);
  const theirs = wordsOf(script, header);
  const places: Place[] = [];
  const isSame = (i: number, j: number) => ours[i]?.text === theirs[j]?.text;
  let i = 0;
  let j = 0;
  while (j < theirs.length) {
    const [more, others] = i < ours.length ? apart(i, j) : [0, 1];
    for (let passed = 0; passed < others; passed++) places.push({ at: theirs[j++] as Word, from: undefined });
    i += more;
    if (j < theirs.length && i < ours.length && isSame(i, j)) places.push({ at: theirs[j++] as Word, from: ours[i++] });
  }
  return places;

  /** Returns how many names to pass over in each until they go on alike. */
  function apart(i: number, j: number): [number, number] {
    if (isSame(i, j)) return [0, 0];
    for (let distance = 1; distance <= REACH; distance++) {
      for (let more = distance; more >= 0; more--) {
        const [mine, other] = [i + more, j + distance - more];
        if (mine >= ours.length || other >= theirs.length || !isSame(mine, other)) continue;
        if (mine + 1 >= ours.length || isSame(mine + 1, other + 1)) return [more, distance - more];
      }
    }
    return [0, 1];
  }
}

function wordsOf(text: string, begin: number): Word[] {
  const words: Word[] = [];
  let [line, start, counted] = [1, 0, 0];
  for (const { 0: token, index } of text.matchAll(TOKENS)) {
    for (let at = text.indexOf("\n", counted); at >= 0 && at < index; at = text.indexOf("\n", counted)) {
      line++;
      start = counted = at + 1;
    }
    if (index >= begin && !/^["'/]/.test(token)) words.push({ text: token, line, column: index - start + 1 });
  }
  return words;
}
