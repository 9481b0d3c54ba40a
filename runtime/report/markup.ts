/** @file HTML and SVG text in which everything that is put in is escaped, unless it is markup already. */

/** Text that is safe to put into a page as it is. Only `markup` and `joined` make it. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand between the parts of a template. Lists are put one after another; undefined is nothing. */
export type Part = Markup | string | number | undefined | readonly Part[];

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
/** Control characters but line feeds, other ends of lines, and what turns the direction of the text around it. */
const UNPRINTABLE = /(?!\n)\p{Cc}|\p{Bidi_Control}|[\u2028\u2029\ufffe\uffff]/gu;

/** Template tag: `markup\`<b>${name}</b>\``. */
export function markup(parts: TemplateStringsArray, ...values: readonly Part[]): Markup {
  let text = parts[0]!;
  values.forEach((value, at) => (text += render(value) + parts[at + 1]!));
  return new Markup(text);
}

/** The text with markup characters escaped, and characters that cannot be shown as U+FFFD. */
function escapeText(text: string): string {
  return printable(text).replace(/[&<>"']/g, (character) => ESCAPES[character]!);
}

/** Data for a script element: valid JSON that cannot end the element, of texts that can be shown as they are. */
export function scriptJson(document: unknown): Markup {
  const shown = (_: string, value: unknown): unknown => (typeof value === "string" ? printable(value) : value);
  return new Markup(JSON.stringify(document, shown).replaceAll("<", "\\u003c"));
}

function printable(text: string): string {
  return text.replace(UNPRINTABLE, "\ufffd");
}

function render(part: Part): string {
  if (part === undefined) return "";
  if (part instanceof Markup) return part.text;
  if (typeof part === "object") return part.map(render).join("");
  return typeof part === "number" ? compact(part) : escapeText(part);
}

/** A coordinate: at most three decimals. */
function compact(number: number): string {
  return String(Math.round(number * 1000) / 1000);
}

/** A column of a table. Numbers stand at the right. */
export interface TableHead {
  readonly title: string;
  readonly isNumber?: boolean;
}

/** A table in a disclosure, for what a picture shows. Rows after `most` are counted, not shown. */
export function pictureTable(
  title: string,
  heads: readonly TableHead[],
  rows: readonly (readonly Part[])[],
  most = 2000,
): Markup {
  const cell = (value: Part, at: number): Markup =>
    heads[at]!.isNumber ? markup`<td class="n">${value}</td>` : markup`<td>${value}</td>`;
  const shown = rows.slice(0, most).map((row) => markup`<tr>${row.map(cell)}</tr>\n`);
  const head = heads.map(({ title: name, isNumber }) =>
    isNumber ? markup`<th scope="col" class="n">${name}</th>` : markup`<th scope="col">${name}</th>`,
  );
  const rest =
    rows.length > most
      ? markup`<p>The first ${most} of ${rows.length} rows; trace.json and plan.json have all.</p>`
      : undefined;
  return markup`<details><summary>${title}</summary><div class="scroll" tabindex="0" role="region" aria-label="${title}"><table><thead><tr>${head}</tr></thead><tbody>
${shown}</tbody></table></div>${rest}</details>`;
}
