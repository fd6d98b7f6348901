// SPDX-License-Identifier: Apache-2.0
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type CampaignReport, runCampaign } from "./campaign.ts";
import { FAULT_CLASSES, type FaultClass } from "./fault.ts";
import type { WriterKind } from "./node/writer-kind.ts";

const program = fileURLToPath(new URL("./main.ts", import.meta.url));
const workspace = fileURLToPath(new URL("../../../../", import.meta.url));
/** Only there to end what hangs. */
const LIMIT_MS = 300_000;
const WRITES = 12;
/** As many as there are nodes, so that each is cut off once. */
const CYCLES = 3;

/** A disk may be slow here, so partitions also wait for the writes that they are about. */
function smoke(writer: WriterKind, faults: readonly FaultClass[], lanes: number): Promise<CampaignReport> {
  return runCampaign({ cycles: CYCLES, writes: WRITES, faults, seed: 3, lanes, writer, holdUntilAnswered: true });
}

interface CommandEnd {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

function chaos(...args: readonly string[]): Promise<CommandEnd> {
  const all = ["--conditions=tsoracle-source", "--import", "tsx", program, ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, all, { cwd: workspace }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr });
    });
  });
}

describe("the chaos campaign over three real processes", () => {
  it(
    "passes with our writer, under faults that were seen to happen",
    async () => {
      const { classes, evidence } = await smoke("quorum", FAULT_CLASSES, 3);
      const [killed, ...others] = classes;
      expect(others.map(({ verdict, reasons }) => [verdict, reasons])).toEqual(others.map(() => ["pass", []]));
      // What a killed primary was still sending to the slower peer is lost with it, so a few writes cannot show convergence.
      expect(killed).toMatchObject({
        fault: "kill_primary_mid_write",
        too_early: 0,
        under_replicated: 0,
        total_fail: 0,
      });
      expect(evidence).toHaveLength(CYCLES * FAULT_CLASSES.length);
      expect(classes.map(({ fault, faults_confirmed }) => [fault, faults_confirmed])).toEqual(
        FAULT_CLASSES.map((fault) => [fault, CYCLES]),
      );
      for (const { line } of evidence) {
        expect(line.ok + line.quorum_not_met + line.fail).toBe(WRITES);
        // Nobody takes the copy back when the quorum fails, and nothing that was killed is lost.
        expect(line.count_node0).toBe(WRITES);
      }
      // Cut off from both peers, the primary refuses, and says that it is the quorum.
      const cutOff = evidence.filter(({ line }) => line.fault === "partition_minority" && line.quorum_not_met > 0);
      expect(cutOff).toHaveLength(1);
    },
    LIMIT_MS,
  );

  it(
    "fails with a writer that is content with its own copy",
    async () => {
      const { verdict, classes } = await smoke("local_only", ["partition_minority"], 1);
      expect(verdict).toBe("hard fail");
      expect(classes[0]?.too_early).toBeGreaterThan(0);
      // Convergence alone would not have noticed: the copies get there once the partition is over.
      expect(classes[0]?.reasons).toEqual([expect.stringContaining("acknowledged while no peer could be reached")]);
    },
    LIMIT_MS,
  );

  it(
    "fails with a writer that cuts off stragglers",
    async () => {
      const { verdict, classes } = await smoke("cancels_stragglers", ["partition_minority"], 1);
      expect(verdict).not.toBe("pass");
      expect(classes[0]?.convergence_bound).toBeLessThan(0.995);
      expect(classes[0]?.reasons).toContainEqual(expect.stringContaining("reached both peers"));
    },
    LIMIT_MS,
  );
});

describe("the chaos command", () => {
  it(
    "writes a line for each cycle and one for the summary, and exits 0 for a pass",
    async () => {
      const directory = mkdtempSync(join(tmpdir(), "tsoracle-chaos-"));
      try {
        const json = join(directory, "report.jsonl");
        const args = ["--cycles", "1", "--writes", "10", "--fault", "clock_skew_peer", "--lanes", "1", "--seed", "8"];
        const { code, stdout, stderr } = await chaos(...args, "--json", json);
        expect([code, stderr]).toEqual([0, ""]);
        expect(stdout).toContain("verdict: pass");
        const lines = readFileSync(json, "utf8").trimEnd().split("\n");
        expect(lines.slice(0, -1)).toEqual([
          '{"cycle":1,"fault":"clock_skew_peer","writes":10,"ok":10,"quorum_not_met":0,"fail":0,"count_node0":10,"count_node1":10,"count_node2":10}',
        ]);
        expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({
          summary: { verdict: "pass", seed: 8, classes: [{ fault: "clock_skew_peer", convergence_bound: 1 }] },
        });
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    },
    LIMIT_MS,
  );

  it(
    "exits 1 for a control",
    async () => {
      const args = ["--cycles", "3", "--writes", "10", "--fault", "partition_minority", "--lanes", "1", "--seed", "3"];
      const { code, stdout } = await chaos(...args, "--control", "local_only");
      expect(code).toBe(1);
      expect(stdout).toContain("verdict: hard fail");
    },
    LIMIT_MS,
  );

  it(
    "exits 2 for what cannot be, before anything is started",
    async () => {
      for (const args of [
        ["--fault", "none"],
        ["--json", workspace],
      ]) {
        const { code, stdout, stderr } = await chaos(...args);
        expect([code, stdout]).toEqual([2, ""]);
        expect(stderr).toContain(`${args[0]}: expected`);
        expect(stderr).toContain("usage: chaos");
      }
    },
    LIMIT_MS,
  );
});
