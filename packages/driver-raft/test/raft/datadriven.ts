// SPDX-License-Identifier: Apache-2.0

/** `key`, `key=value`, `key=(value,value)` or `key="value"`. */
export interface DirectiveArg {
  readonly key: string;
  readonly vals: readonly string[];
}

/** One command of a data-driven file, with the output that it must produce. */
export interface Directive {
  readonly file: string;
  /** Of the command, from 1. */
  readonly line: number;
  readonly cmd: string;
  readonly args: readonly DirectiveArg[];
  /** The lines between the command and `----`, without white space at both ends. */
  readonly input: string;
  /** Ends in a line break, unless it is empty. */
  readonly expected: string;
}

const separator = "----";

/**
 * Reads the data-driven format: `cmd args`, optional input, `----`, output up to the next blank line, or, if the
 * output starts with a second `----`, up to a doubled one. Lines that start with # between directives are comments; a
 * backslash at the end joins a command with its next line.
 *
 * @throws Error naming file and line for a command without `----`, an unclosed list, quote or doubled output.
 */
export function parseDatadriven(text: string, file: string): Directive[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const directives: Directive[] = [];
  let at = 0;
  while (at < lines.length) {
    const first = at;
    let command = lines[at++] as string;
    if (command.trim() === "" || command.trim().startsWith("#")) continue;
    while (command.endsWith("\\") && at < lines.length) {
      command = `${command.slice(0, -1)} ${(lines[at++] as string).trim()}`;
    }
    const where = `${file}:${first + 1}`;
    const [cmd, ...args] = parseCommand(command, where);
    const start = at;
    while (at < lines.length && lines[at] !== separator) at++;
    if (at === lines.length) throw new Error(`${where}: no ${separator} follows this command`);
    const input = lines.slice(start, at).join("\n").trim();
    const output = readOutput(lines, at + 1, where);
    at = output.next;
    directives.push({ file, line: first + 1, cmd: cmd?.key ?? "", args, input, expected: output.text });
  }
  return directives;
}

function readOutput(lines: readonly string[], start: number, where: string): { text: string; next: number } {
  if (lines[start] !== separator) {
    let end = start;
    while (end < lines.length && (lines[end] as string).trim() !== "") end++;
    return { text: joined(lines, start, end), next: end };
  }
  for (let end = start + 1; end + 1 < lines.length; end++) {
    if (lines[end] !== separator || lines[end + 1] !== separator) continue;
    const after = lines[end + 2];
    if (after !== undefined && after !== "") throw new Error(`${where}: a blank line must follow a doubled output`);
    return { text: joined(lines, start + 1, end), next: end + 2 };
  }
  throw new Error(`${where}: the doubled output is not closed by two lines of ${separator}`);
}

function joined(lines: readonly string[], start: number, end: number): string {
  return lines
    .slice(start, end)
    .map((line) => `${line}\n`)
    .join("");
}

/** The words of a command line; the first is the command itself. */
function parseCommand(line: string, where: string): DirectiveArg[] {
  const args: DirectiveArg[] = [];
  let at = 0;
  while (at < line.length) {
    if (line[at] === " " || line[at] === "\t") {
      at++;
      continue;
    }
    const key = /^[^\s=]+/.exec(line.slice(at))?.[0];
    if (key === undefined) throw new Error(`${where}: an argument starts with "="`);
    at += key.length;
    if (line[at] !== "=") {
      args.push({ key, vals: [] });
      continue;
    }
    const value = parseValue(line, at + 1, where);
    args.push({ key, vals: value.vals });
    at = value.next;
  }
  return args;
}

function parseValue(line: string, start: number, where: string): { vals: string[]; next: number } {
  if (line[start] === '"') {
    const { text, next } = quoted(line, start, where);
    return { vals: [text], next };
  }
  if (line[start] !== "(") {
    const word = /^\S*/.exec(line.slice(start))?.[0] ?? "";
    return { vals: [word], next: start + word.length };
  }
  const vals: string[] = [];
  let value = "";
  let depth = 1;
  for (let at = start + 1; at < line.length; at++) {
    const char = line[at] as string;
    if (char === '"') {
      const quote = quoted(line, at, where);
      value += quote.text;
      at = quote.next - 1;
      continue;
    }
    if (char === "(") depth++;
    if (char === ")") depth--;
    if (depth === 0) {
      if (vals.length > 0 || value.trim() !== "") vals.push(value.trim());
      return { vals, next: at + 1 };
    }
    if (char === "," && depth === 1) {
      vals.push(value.trim());
      value = "";
    } else {
      value += char;
    }
  }
  throw new Error(`${where}: a list is not closed by ")"`);
}

function quoted(line: string, start: number, where: string): { text: string; next: number } {
  for (let at = start + 1; at < line.length; at++) {
    if (line[at] === "\\") at++;
    else if (line[at] === '"') return { text: JSON.parse(line.slice(start, at + 1)) as string, next: at + 1 };
  }
  throw new Error(`${where}: a quote is not closed`);
}

/** The values of an argument; undefined if it is not given. */
export function argVals(directive: Directive, key: string): readonly string[] | undefined {
  return directive.args.find((arg) => arg.key === key)?.vals;
}

/**
 * The only value of an argument; undefined if it is not given.
 *
 * @throws Error if it has no value or several.
 */
export function argVal(directive: Directive, key: string): string | undefined {
  const vals = argVals(directive, key);
  if (vals === undefined) return undefined;
  if (vals.length !== 1) throw new Error(`${at(directive)}: ${key} takes one value, got ${vals.length}`);
  return vals[0];
}

/** A value as a whole number. */
export function argNumber(directive: Directive, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new Error(`${at(directive)}: expected a whole number, got ${JSON.stringify(text)}`);
  }
  return value;
}

/**
 * A value as a truth value.
 *
 * @throws Error for anything but true and false.
 */
export function argBoolean(directive: Directive, text: string): boolean {
  if (text !== "true" && text !== "false") {
    throw new Error(`${at(directive)}: expected true or false, got ${JSON.stringify(text)}`);
  }
  return text === "true";
}

/** `file:line`, for messages. */
export function at(directive: Directive): string {
  return `${directive.file}:${directive.line}`;
}

/** What a command printed, in the form in which files hold it: ending in a line break unless it is empty. */
export function normalised(output: string): string {
  return output === "" || output.endsWith("\n") ? output : `${output}\n`;
}
