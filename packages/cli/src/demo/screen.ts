// SPDX-License-Identifier: Apache-2.0
import type { LoadReport } from "../load/load-report.ts";

export interface ScreenOptions {
  /** What the story is told on. Node writes to files, pipes and terminals synchronously, so a story that is cut off is complete up to there. */
  readonly stream: NodeJS.WritableStream;
  /** A terminal: the live line is rewritten in place. Otherwise it is a line per second. */
  readonly inPlace: boolean;
  readonly colour: boolean;
}

type Colour = "dim" | "bold" | "green" | "red" | "yellow";
const CODES: Readonly<Record<Colour, string>> = { dim: "2", bold: "1", green: "32", red: "31", yellow: "33" };

/** A count with thousands separated, alike in every locale. */
export function grouped(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Tells the story of a demonstration on a terminal or into a log. */
export class Screen {
  readonly #options: ScreenOptions;
  #liveShown = false;

  constructor(options: ScreenOptions) {
    this.#options = options;
  }

  /** How often a live line is welcome. */
  get liveIntervalMs(): number {
    return this.#options.inPlace ? 250 : 1_000;
  }

  paint(colour: Colour, text: string): string {
    return this.#options.colour ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text;
  }

  /** A line that stays. */
  line(text = ""): void {
    this.#write(this.#liveShown ? `\r\u001b[2K${text}\n` : `${text}\n`);
    this.#liveShown = false;
  }

  /** The line that the next one replaces. */
  live(text: string): void {
    if (this.#options.inPlace) {
      this.#write(`\r\u001b[2K${text}`);
      this.#liveShown = true;
    } else {
      this.line(text);
    }
  }

  #write(text: string): void {
    this.#options.stream.write(text);
  }
}

function zeroOrBad(screen: Screen, count: number): string {
  return count === 0 ? screen.paint("green", "0") : screen.paint("red", grouped(count));
}

/** The closing table. */
export function showReport(screen: Screen, report: LoadReport): void {
  const silent = report.kills.map(({ silentMs }) => `${grouped(silentMs)} ms`).join(", ");
  const unanswered = Object.entries(report.unanswered).map(([code, count]) => `${grouped(count)} ${code}`);
  const rows: [string, string][] = [
    [
      "timestamps issued",
      `${grouped(report.issued)} in ${grouped(report.calls)} calls by ${report.callers} callers, ${report.seconds} s`,
    ],
    ["rate", `${grouped(report.perSecond)} per second, restarts included`],
    ["latency of a call", `p50 ${report.p50Ms} ms, p99 ${report.p99Ms} ms`],
    ["kill -9", killsOf(report)],
    ["without answer", `${silent || "-"} (longest silence after each kill)`],
    ["calls given up", unanswered.length === 0 ? "0" : `${unanswered.join(", ")} (after the client's retries)`],
    ["duplicates", zeroOrBad(screen, report.duplicates)],
    ["regressions", zeroOrBad(screen, report.regressions)],
    ["real-time violations", zeroOrBad(screen, report.realTimeViolations)],
    ["issued, not durable", zeroOrBad(screen, report.notDurable)],
  ];
  screen.line();
  for (const [name, value] of rows) screen.line(`  ${name.padEnd(22)}${value}`);
  screen.line();
  for (const proof of report.evidence) screen.line(`  ${screen.paint("red", "violation")} ${JSON.stringify(proof)}`);
  if (report.injected) screen.line(`  ${screen.paint("yellow", "one violation was injected on purpose")}`);
  screen.line(`  ${screen.paint(report.ok ? "green" : "red", verdict(report))}`);
}

function killsOf({ kills, killsMissing }: LoadReport): string {
  return killsMissing === 0 ? `${kills.length} times` : `${kills.length} of ${kills.length + killsMissing} times`;
}

function verdict(report: LoadReport): string {
  if (report.ok) return "PASS  every call was recorded and judged; no timestamp was issued twice or out of order";
  if (report.issued === 0) return "FAIL  nothing was issued";
  const { duplicates, regressions, realTimeViolations, notDurable } = report;
  if (duplicates + regressions + realTimeViolations + notDurable > 0) return "FAIL  the history breaks a promise";
  return "FAIL  the history is clean, but the machine was too slow for all kills: ask for fewer, or for more seconds";
}
