/** @file Every way to change one field of a JSON document: what a careless reader falls for. */

/** A changed document as text, and what was done to it. */
export interface Tampered {
  readonly what: string;
  readonly text: string;
}

type Path = readonly (string | number)[];
type Container = Record<string | number, unknown>;

/** Texts that take the place of a value: other types, other ranges, what JSON has not, ways out of a directory. */
const VALUES = [
  ...["null", "true", '""', '"x"', '"../../../etc/passwd"', '"/etc/passwd"', '"\\u0000"', '"\\ud800"', '"__proto__"'],
  ...["0", "-1", "0.5", "1e999", "1e308", "9007199254740993", "NaN", "1e9", "99"],
  ...["[]", "{}", "[[]]", '{"__proto__": {"polluted": true}}', '{"constructor": {"prototype": {"polluted": true}}}'],
];
/** Stands in a document where text is put in that JSON.stringify would not write. */
const MARK = '"@@here@@"';

/** One document for each field and each change of it. Of lists, the longest item stands for all. */
export function* tampered(document: unknown): Generator<Tampered> {
  for (const path of pathsOf(document)) {
    const where = path.join(".") || "the document";
    for (const value of VALUES)
      yield {
        what: `${where} is ${value}`,
        text: textOf(edited(document, path, () => "@@here@@")).replace(MARK, value),
      };
    yield { what: `${where} is text of a number`, text: textOf(edited(document, path, (old) => String(old))) };
    if (path.length > 0) yield { what: `${where} is gone`, text: textOf(without(document, path)) };
    const found = at(document, path);
    if (Array.isArray(found)) {
      yield { what: `${where} is shorter`, text: textOf(edited(document, path, () => found.slice(1))) };
      yield { what: `${where} is longer`, text: textOf(edited(document, path, () => [...found, found.at(-1) ?? 0])) };
      yield { what: `${where} is in another order`, text: textOf(edited(document, path, () => [...found].reverse())) };
    } else if (typeof found === "object" && found !== null) {
      const first = JSON.stringify(Object.keys(found)[0] ?? "a");
      for (const key of ["__proto__", "constructor", "extra", "1"]) {
        const more = edited(document, path, () => ({ "@@key@@": 1, ...found }));
        yield { what: `${where} has ${key}`, text: textOf(more).replace('"@@key@@"', JSON.stringify(key)) };
      }
      const twice = edited(document, path, () => ({ "@@key@@": null, ...found }));
      yield { what: `${where} has ${first} twice`, text: textOf(twice).replace('"@@key@@"', first) };
    }
  }
}

/** Paths to all members; of a list, to its longest item. */
function pathsOf(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const keys = Array.isArray(value) ? longestOf(value) : Object.keys(value);
  return [path, ...keys.flatMap((key) => pathsOf((value as Container)[key], [...path, key]))];
}

function longestOf(items: readonly unknown[]): readonly number[] {
  const lengths = items.map((item) => textOf(item).length);
  return lengths.length === 0 ? [] : [lengths.indexOf(Math.max(...lengths))];
}

function at(value: unknown, path: Path): unknown {
  return path.reduce((inner, key) => (inner as Container)[key], value);
}

function edited(value: unknown, path: Path, edit: (old: unknown) => unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return edit(value);
  const changed = edited((value as Container)[key], rest, edit);
  if (Array.isArray(value)) return value.map((item: unknown, position) => (position === key ? changed : item));
  return { ...(value as Container), [key]: changed };
}

function without(value: unknown, path: Path): unknown {
  return edited(value, path.slice(0, -1), (old) => {
    const key = path.at(-1)!;
    if (Array.isArray(old)) return old.filter((_, position) => position !== key);
    return Object.fromEntries(Object.entries(old as Container).filter(([name]) => name !== key));
  });
}

function textOf(document: unknown): string {
  return JSON.stringify(document) ?? "";
}
