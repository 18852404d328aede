// Numbers for people, by the unit that their name ends with.

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** Three digits that count. */
function short(number) {
  const size = Math.abs(number);
  if (size >= 100 || Number.isInteger(number)) return plain.format(number);
  return number.toFixed(size >= 10 ? 1 : 2);
}

export const UNKNOWN = "\u2013";

export const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

export function count(number) {
  if (!isNumber(number)) return UNKNOWN;
  return Number.isInteger(number) ? plain.format(number) : fine.format(number);
}

export function bytes(number) {
  if (!isNumber(number)) return UNKNOWN;
  let at = 0;
  while (Math.abs(number) >= 1024 && at < 5) {
    number /= 1024;
    at += 1;
  }
  return `${short(number)} ${["B", "KiB", "MiB", "GiB", "TiB", "PiB"][at]}`;
}

const STEPS = [
  [86_400e9, "d"],
  [3_600e9, "h"],
  [60e9, "min"],
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "us"],
];

export function duration(ns) {
  if (!isNumber(ns)) return UNKNOWN;
  if (ns === 0) return "0 s";
  for (const [size, unit] of STEPS) {
    if (Math.abs(ns) >= size) return `${short(ns / size)} ${unit}`;
  }
  return `${short(ns)} ns`;
}

/** Returns where something is that plays, as a clock has it. */
export function clockOf(ms) {
  if (!isNumber(ms)) return UNKNOWN;
  const s = Math.floor(Math.max(0, ms) / 1000);
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(s / 3600);
  return `${hours > 0 ? `${plain.format(hours)}:${two(Math.floor(s / 60) % 60)}` : Math.floor(s / 60)}:${two(s % 60)}`;
}

/** Returns how long something is ago, in words that do not change more often than they need to. */
export function age(ms) {
  if (!isNumber(ms)) return UNKNOWN;
  const s = Math.max(0, ms) / 1000;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 120) return `${Math.floor(s)} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min`;
  return s < 172_800 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86_400)} d`;
}

export function rate(perSecond, unit = count) {
  if (!isNumber(perSecond)) return UNKNOWN;
  const rounded = Math.abs(perSecond) >= 10 ? Math.round(perSecond) : Math.round(perSecond * 10) / 10;
  return `${unit(rounded)}/s`;
}

export function percent(part) {
  if (!isNumber(part)) return UNKNOWN;
  return `${(part * 100).toFixed(part >= 0.1 || part === 0 ? 0 : 1)} %`;
}

export function time(unixMs) {
  return isNumber(unixMs) && Math.abs(unixMs) < 8.64e15 ? clock.format(unixMs) : UNKNOWN;
}

const UNITS = [
  [/(_at|unix)_ms$/, time],
  [/_bytes$/, bytes],
  [/^(bytes_|.*_bytes_)/, bytes],
  [/_ms$/, (value) => duration(value * 1e6)],
  [/_us$/, (value) => duration(value * 1e3)],
  [/_ns$/, duration],
  [/_s$/, (value) => duration(value * 1e9)],
  [/(^|_)(pid|id|version|seq|thread|port|session|schema)$/, String],
];

/** Returns a value of a payload as text, by its name. */
export function named(name, value) {
  if (isNumber(value)) {
    const unit = UNITS.find(([pattern]) => pattern.test(name));
    return unit ? unit[1](value) : count(value);
  }
  return plainly(value);
}

/** Returns any value as text, as it is. */
export function plainly(value) {
  if (value === undefined) return UNKNOWN;
  if (value === null) return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value;
  if (value instanceof ArrayBuffer) return `${bytes(value.byteLength)} of numbers`;
  return typeof value === "object" ? compact(value) : String(value);
}

/** Returns a value as JSON, at most so long. */
export function compact(value, longest = 300) {
  const text = JSON.stringify(value, (_, inner) => (inner instanceof ArrayBuffer ? `${inner.byteLength} bytes` : inner)) ?? "";
  return text.length > longest ? `${text.slice(0, longest)} ...` : text;
}
