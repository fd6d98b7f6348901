// SPDX-License-Identifier: Apache-2.0

const levels = ["DEBUG", "INFO", "WARN", "ERROR", "FATAL", "NONE"] as const;

/** What the commands of one directive print. Level NONE silences everything, the commands' own output included. */
export class Output {
  #level = 0;
  #text = "";

  get level(): number {
    return this.#level;
  }

  get text(): string {
    return this.#text;
  }

  quiet(): boolean {
    return this.#level === levels.length - 1;
  }

  reset(): void {
    this.#text = "";
  }

  /** Sets the level by its name in any case, or goes back to one that `level` returned. Returns what is wrong. */
  setLevel(level: string | number): string | undefined {
    if (typeof level === "number") {
      this.#level = level;
      return undefined;
    }
    const found = (levels as readonly string[]).indexOf(level.toUpperCase());
    if (found === -1) return `log levels must be either of [${levels.join(" ")}]`;
    this.#level = found;
    return undefined;
  }

  write(text: string): void {
    if (!this.quiet()) this.#text += text;
  }

  line(text: string): void {
    this.write(`${text}\n`);
  }

  log(level: string, text: string): void {
    if (this.#level <= (levels as readonly string[]).indexOf(level)) this.line(`${level} ${text}`);
  }

  /** Runs `print` and indents every line that it prints by two spaces. */
  indented<T>(print: () => T): T {
    const before = this.#text;
    this.#text = "";
    const result = print();
    const lines = this.#text.split("\n");
    if (lines.at(-1) === "") lines.pop();
    this.#text = before + lines.map((line) => `  ${line}\n`).join("");
    return result;
  }
}

/** Without the lines of the log, which no rule depends on; what consisted of them alone counts as "ok". */
export function withoutLogLines(text: string): string {
  const kept = text.split("\n").filter((line) => !/^\s*(DEBUG|INFO|WARN|ERROR|FATAL) /.test(line));
  const rest = kept.join("\n");
  return rest === "" ? "ok\n" : rest;
}
