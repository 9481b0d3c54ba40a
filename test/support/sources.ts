/** @file Reads our own sources for the tests of the house rules: files, imports, identifiers, strings. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** One import or re-export of a file. */
export interface Import {
  /** A path from the root for our own files, a package or node: name for others. */
  readonly to: string;
  /** Only types cross. */
  readonly isType: boolean;
}

/** A source file with what the rules look at. */
export interface Source {
  /** From the root, with "/". */
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  /** Every identifier, each once. */
  readonly identifiers: ReadonlySet<string>;
  /** Every string literal that is no import, each once. */
  readonly strings: ReadonlySet<string>;
  readonly hasDefaultExport: boolean;
}

/** All .ts files under the given folders. */
export function sourcesUnder(...folders: readonly string[]): readonly Source[] {
  return pathsUnder(folders).map(readSource);
}

/** Paths and numbers of lines of all .ts files under the given folders. */
export function lengthsUnder(...folders: readonly string[]): readonly Pick<Source, "path" | "lines">[] {
  return pathsUnder(folders).map((path) => ({ path, lines: linesOf(readRepositoryFile(path)) }));
}

/** A file of the repository as text. */
export function readRepositoryFile(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

function pathsUnder(folders: readonly string[]): readonly string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .map((name) => join(folder, name))
      .filter((path) => path.endsWith(".ts"))
      .sort(),
  );
}

function linesOf(text: string): number {
  return text.split("\n").length - 1;
}

function readSource(path: string): Source {
  const text = readRepositoryFile(path);
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  const imports: Import[] = [];
  const identifiers = new Set<string>();
  const strings = new Set<string>();
  let hasDefaultExport = false;
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      const { moduleSpecifier } = node;
      const isType = ts.isImportDeclaration(node)
        ? node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
        : node.isTypeOnly;
      if (moduleSpecifier && ts.isStringLiteral(moduleSpecifier))
        imports.push({ to: resolve(path, moduleSpecifier.text), isType });
      return;
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [target] = node.arguments;
      if (target && ts.isStringLiteral(target)) imports.push({ to: resolve(path, target.text), isType: false });
      return;
    }
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) identifiers.add(node.text);
    if (ts.isStringLiteralLike(node)) strings.add(node.text);
    if (ts.isExportAssignment(node) || (node as { kind: ts.SyntaxKind }).kind === ts.SyntaxKind.DefaultKeyword)
      hasDefaultExport ||= ts.isExportAssignment(node) || isExportModifier(node);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { path, text, lines: linesOf(text), imports, identifiers, strings, hasDefaultExport };
}

/** True for the `default` of `export default function`; the `default` of a switch has another parent. */
function isExportModifier(node: ts.Node): boolean {
  return ts.isFunctionDeclaration(node.parent) || ts.isClassDeclaration(node.parent);
}

function resolve(from: string, specifier: string): string {
  if (!specifier.startsWith(".")) return specifier;
  return normalize(join(dirname(from), specifier)).replace(/\.js$/, ".ts");
}
