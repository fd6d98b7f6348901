// SPDX-License-Identifier: Apache-2.0
import type { DriverCapabilities } from "@tsoracle/consensus";
import type { ServerMetrics } from "./metrics.ts";
import type { ServingState } from "./serving-state.ts";

/** What the side port shows besides counters. */
export interface StatusView {
  readonly state: ServingState;
  /** Worth sending clients to: it serves, or follows a leader it knows of. */
  readonly ready: boolean;
  readonly driver: string;
  readonly capabilities: DriverCapabilities;
  readonly uptimeSeconds: number;
  readonly connections: number;
  /** Durable, inclusive bound of the present reign, in milliseconds since the Unix epoch. */
  readonly highWater: number | undefined;
  /** How much of the window is left, in milliseconds. */
  readonly windowLeftMs: number | undefined;
  readonly windowAheadMs: number;
}

/** A page for people: what this server is doing, in one table. */
export function statusPage(view: StatusView, metrics: ServerMetrics): string {
  const { state } = view;
  const rows: [string, unknown][] = [
    ["state", state.kind === "serving" ? "serving" : "not serving"],
    ["ready", view.ready],
    ["epoch", state.kind === "serving" ? state.epoch : (state.leaderEpoch ?? "unknown")],
    ["leader", state.kind === "serving" ? "this server" : (state.leaderEndpoint ?? "unknown")],
    ["high-water (ms)", view.highWater ?? "-"],
    ["window left (ms)", view.windowLeftMs === undefined ? "-" : `${view.windowLeftMs} of ${view.windowAheadMs}`],
    ["driver", view.driver],
    ["durability", view.capabilities.durability],
    ["real-time order", view.capabilities.realTimeOrder],
    ["connections", view.connections],
    ["uptime (s)", view.uptimeSeconds],
    ...Object.entries(metrics.snapshot().counters),
  ];
  const body = rows
    .map(([name, value]) => `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`)
    .join("\n");
  return [
    "<!doctype html>",
    '<html lang="en"><meta charset="utf-8"><title>tsoracle</title>',
    "<style>body{font:14px system-ui;margin:2em}th{text-align:left;font-weight:normal;padding-right:2em}</style>",
    `<h1>tsoracle: ${state.kind === "serving" ? "serving" : "not serving"}</h1>`,
    `<table>\n${body}\n</table></html>\n`,
  ].join("\n");
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escapeHtml(value: unknown): string {
  return String(value).replace(/[&<>"]/g, (character) => ENTITIES[character] as string);
}
