// SPDX-License-Identifier: Apache-2.0
import { Command, Option } from "commander";
import { CliError } from "../cli-error.ts";
import { endOnSignals } from "../interrupt.ts";
import { option, wholeNumber } from "../options.ts";
import { printJson } from "../output.ts";

interface DemoFlags {
  readonly seconds: number;
  readonly kills: number;
  readonly json?: true;
  readonly injectViolation?: true;
}

/** Below this it would be killed before it has served. */
const MIN_SERVE_MS = 250;

async function demo(flags: DemoFlags): Promise<void> {
  if ((flags.seconds * 1_000) / (flags.kills + 1) < MIN_SERVE_MS) {
    throw new CliError(
      "usage",
      `--kills ${flags.kills} is too many for --seconds ${flags.seconds}: expected at most four kills a second`,
    );
  }
  endOnSignals();
  const { runDemo } = await import("../demo/run.ts");
  const { Screen, showReport } = await import("../demo/screen.ts");
  const stream = flags.json ? process.stderr : process.stdout;
  const terminal = stream.isTTY === true;
  const colour = terminal && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb";
  const screen = new Screen({ stream, inPlace: terminal, colour });
  screen.line(screen.paint("bold", "tsoracle demo: concurrent callers, a server on disk, and kill -9"));
  const report = await runDemo({ ...flags, injectViolation: flags.injectViolation === true, screen });
  if (flags.json) await printJson(report);
  else showReport(screen, report);
  if (!report.ok) throw new CliError("failed", "the demonstration failed; see above");
}

export function demoCommand(): Command {
  return new Command("demo")
    .summary("kill -9 a server under load, and judge every timestamp")
    .description(
      "serve from a temporary directory, kill -9 the server again and again under load, judge every timestamp",
    )
    .addOption(option("--seconds <number>", "how long to drive it").argParser(wholeNumber(1, 25)).default(12))
    .addOption(option("--kills <number>", "how often to kill the server").argParser(wholeNumber(0, 50)).default(5))
    .addOption(option("--json", "the report as one JSON object; the story goes to standard error"))
    .addOption(
      new Option("--inject-violation", "add a violation to the history: the demonstration must fail").hideHelp(),
    )
    .action(demo)
    .addHelpText(
      "after",
      "\nExits with 1 if a timestamp was issued twice or out of order, or if fewer kills happened than asked.\n\nExamples:\n  tsoracle demo\n  tsoracle demo --seconds 20 --kills 10 --json",
    );
}
