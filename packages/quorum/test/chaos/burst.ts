// SPDX-License-Identifier: Apache-2.0
import { QUORUM_FAILURE_REASONS } from "../../src/index.ts";
import type { HttpAnswer } from "./http-call.ts";
import type { WriteResult } from "./judge.ts";

export interface BurstOptions {
  readonly ids: readonly string[];
  readonly atOnce: number;
  /** Sends one write and says what came; rejects when nothing did. */
  readonly send: (id: string) => Promise<Attempt>;
  /** Called in the turn in which a write has its answer, before the next one begins. */
  readonly onAnswer: (answered: number) => void;
  readonly monotonicMs: () => number;
}

/** `lost`: the node died over it, and whether it was written is not known. */
export type Attempt =
  | { readonly kind: "answer"; readonly answer: HttpAnswer }
  | { readonly kind: "lost" }
  | { readonly kind: "broken"; readonly text: string };

/** Writes all records, so many at once, and each until it has an answer; a repetition goes under the same id. */
export async function runBurst(options: BurstOptions): Promise<readonly WriteResult[]> {
  const results: WriteResult[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let id = options.ids[next++]; id !== undefined; id = options.ids[next++]) {
      results.push(await writeOne(options, id));
      options.onAnswer(results.length);
    }
  };
  await Promise.all(Array.from({ length: options.atOnce }, worker));
  return results;
}

async function writeOne({ send, monotonicMs }: BurstOptions, id: string): Promise<WriteResult> {
  const beganAt = monotonicMs();
  for (let repeats = 0; ; repeats += 1) {
    const attempt = await send(id);
    if (attempt.kind === "lost") continue;
    const { outcome, detail } =
      attempt.kind === "answer" ? classifyAnswer(attempt.answer) : ({ outcome: "fail", detail: attempt.text } as const);
    return { id, outcome, detail, beganAt, endedAt: monotonicMs(), repeats };
  }
}

/** What the primary's answer means to the one who counts: a 503 is a missed quorum only if it says so. */
export function classifyAnswer({ status, body }: HttpAnswer): Pick<WriteResult, "outcome" | "detail"> {
  if (status === 201) return { outcome: "ok", detail: body };
  const reason = QUORUM_FAILURE_REASONS.find((known) => known === reasonIn(body));
  if (status === 503 && reason !== undefined) return { outcome: "quorum_not_met", detail: reason };
  return { outcome: "fail", detail: `${status} ${body}` };
}

function reasonIn(body: string): unknown {
  try {
    return (JSON.parse(body) as { readonly reason?: unknown } | null)?.reason;
  } catch {
    return undefined;
  }
}
