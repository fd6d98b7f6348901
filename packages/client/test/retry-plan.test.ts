// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ClientError } from "../src/client-error.ts";
import { type AttemptOutcome, type RetryNote, RetryPlan, type RetryStep } from "../src/retry-plan.ts";
import { backoffMs, DEFAULT_RETRY_POLICY, resolveRetryPolicy } from "../src/retry-policy.ts";
import { type Target, targetOf } from "../src/target.ts";

const [a, b, c, d] = ["a:1", "b:1", "c:1", "d:1"].map((address) => targetOf(address, false)) as [
  Target,
  Target,
  Target,
  Target,
];

const said = (code: "rpc" | "transport" | "no_leader", text: string): ClientError => new ClientError(code, text);
const down: AttemptOutcome = { kind: "failed", transport: true, error: said("transport", "down") };
const internal: AttemptOutcome = { kind: "failed", transport: false, error: said("rpc", "internal") };
const leaderless: AttemptOutcome = { kind: "leaderless", error: said("no_leader", "leaderless") };
const refused: AttemptOutcome = { kind: "hint_refused", error: said("rpc", "malformed hint") };
const redirect = (target: Target): AttemptOutcome => ({
  kind: "redirect",
  target,
  error: said("no_leader", "redirect"),
});

interface Run {
  readonly log: string[];
  readonly end: RetryStep;
  readonly endedAt: number;
  readonly notes: RetryNote[];
}

/** Plays a plan against servers that answer as scripted, with a clock that only sleeping and calling move. */
function run(
  targets: readonly Target[],
  answer: (target: Target, attempt: number) => AttemptOutcome | "success",
  options: {
    leader?: Target;
    random?: () => number;
    callMs?: number;
    policy?: Partial<typeof DEFAULT_RETRY_POLICY>;
  } = {},
): Run {
  const notes: RetryNote[] = [];
  const policy = resolveRetryPolicy(options.policy);
  const plan = new RetryPlan({
    policy,
    targets,
    leader: () => options.leader,
    deadlineAt: policy.overallDeadlineMs,
    random: options.random ?? (() => 0),
    note: (note) => notes.push(note),
  });
  const log: string[] = [];
  let now = 0;
  for (let step = plan.next(now), attempt = 0; ; step = plan.next(now)) {
    if (step.kind === "fail") return { log, end: step, endedAt: now, notes };
    if (step.kind === "sleep") {
      log.push(`sleep ${Math.round(step.ms)}`);
      now += step.ms + 0.001;
      continue;
    }
    attempt += 1;
    log.push(step.target.address);
    expect(step.budgetMs).toBeLessThanOrEqual(policy.perAttemptDeadlineMs);
    expect(now + step.budgetMs).toBeLessThanOrEqual(policy.overallDeadlineMs + 0.001);
    now += options.callMs ?? 1;
    const outcome = answer(step.target, attempt);
    if (outcome === "success") return { log, end: step, endedAt: now, notes };
    plan.record(outcome);
  }
}

const failure = (result: Run): string => (result.end.kind === "fail" ? result.end.error.message : "no failure");

describe("retry plan: whom it asks", () => {
  it("asks the leader of last report first, then the others from a random place", () => {
    expect(run([a, b, c], () => refused, { leader: c, random: () => 0.4 }).log).toEqual(["c:1", "b:1", "a:1"]);
    expect(run([a, b, c], () => refused, { random: () => 0.99 }).log).toEqual(["c:1", "a:1", "b:1"]);
  });

  it("asks a leader that is not among the configured servers", () => {
    expect(run([a], () => refused, { leader: d }).log).toEqual(["d:1", "a:1"]);
  });

  it("follows a hint at once, without sleep or charge", () => {
    const result = run([a, b], (target) => (target === d ? "success" : redirect(d)), { policy: { maxAttempts: 1 } });
    expect(result.log).toEqual(["a:1", "d:1"]);
  });

  it("asks the next server after one that knows of no leader, without sleep or charge", () => {
    const result = run([a, b, c], (target) => (target === c ? "success" : leaderless), { policy: { maxAttempts: 1 } });
    expect(result.log).toEqual(["a:1", "b:1", "c:1"]);
  });

  it("asks the next server after a hint that it cannot follow, without sleep, and surfaces the status", () => {
    const result = run([a, b], () => refused);
    expect(result.log).toEqual(["a:1", "b:1"]);
    expect(failure(result)).toContain("malformed hint");
  });

  it("sleeps after a transport failure and not after an answer", () => {
    expect(run([a, b], (target) => (target === b ? "success" : down)).log).toEqual(["a:1", "sleep 0", "b:1"]);
    expect(run([a, b], (target) => (target === b ? "success" : internal)).log).toEqual(["a:1", "b:1"]);
  });

  it("asks every server once though the cap on attempts is smaller", () => {
    const result = run([a, b, c], (target) => (target === c ? "success" : down), { policy: { maxAttempts: 1 } });
    expect(result.end.kind).toBe("attempt");
  });

  it("repeats the pass while only the transport failed, up to the cap, and sleeps once between attempts", () => {
    const result = run([a, b], () => down, { policy: { maxAttempts: 5 } });
    expect(result.log).toEqual(["a:1", "sleep 0", "b:1", "sleep 0", "a:1", "sleep 0", "b:1", "sleep 0", "a:1"]);
    expect(failure(result)).toContain("down");
  });

  it("does not repeat the pass when a server has answered with an error", () => {
    const result = run([a, b], (target) => (target === a ? down : internal));
    expect(result.log).toEqual(["a:1", "sleep 0", "b:1"]);
    expect(failure(result)).toContain("internal");
  });
});

describe("retry plan: elections", () => {
  it("rides an election out, whatever the cap on attempts", () => {
    const result = run([a, b, c], (target, attempt) => (attempt > 40 ? "success" : target === c ? down : leaderless), {
      random: () => 0.5,
    });
    expect(result.end.kind).toBe("attempt");
    expect(result.log.length).toBeGreaterThan(41);
  });

  it("keeps the sleeps of an election short", () => {
    const { log } = run([a], () => leaderless, { random: () => 0.999 });
    const longest = Math.max(...log.filter((line) => line.startsWith("sleep")).map((line) => Number(line.slice(6))));
    expect(longest).toBe(DEFAULT_RETRY_POLICY.maxElectionBackoffMs);
  });

  it("ends with the election's status at the deadline", () => {
    const result = run([a, b], () => leaderless, { random: () => 0.5 });
    expect(result.end).toMatchObject({ kind: "fail", expired: true });
    expect(failure(result)).toContain("leaderless");
    expect(result.endedAt).toBeGreaterThanOrEqual(DEFAULT_RETRY_POLICY.overallDeadlineMs);
    expect(result.endedAt).toBeLessThan(DEFAULT_RETRY_POLICY.overallDeadlineMs + 10);
  });

  it("takes servers that name each other for an election", () => {
    const result = run([a, b], (target, attempt) => (attempt > 6 ? "success" : redirect(target === a ? b : a)));
    expect(result.end.kind).toBe("attempt");
  });

  it("ends a pass after 16 redirects and goes on with the next", () => {
    const chain = Array.from({ length: 40 }, (_, index) => targetOf(`h${index}:1`, false));
    const result = run([a], (_target, attempt) => (attempt > 18 ? "success" : redirect(chain[attempt] as Target)));
    expect(result.notes).toEqual(["pass_redirect_cap"]);
    expect(result.log.filter((line) => line === "a:1")).toHaveLength(2);
    expect(result.log.slice(16, 19)).toEqual(["h16:1", "sleep 0", "a:1"]);
  });

  it("gives up after 64 redirects in all", () => {
    const chain = Array.from({ length: 400 }, (_, index) => targetOf(`h${index}:1`, false));
    const result = run([a], (_target, attempt) => redirect(chain[attempt] as Target));
    expect(result.notes.at(-1)).toBe("total_redirect_cap");
    expect(result.end).toMatchObject({ kind: "fail", expired: false });
    expect(failure(result)).toContain("64 redirects");
    expect(result.log.filter((line) => line.startsWith("h"))).toHaveLength(64);
  });
});

describe("retry plan: which error it surfaces", () => {
  it.each([
    ["an answer before an election and the transport", [down, leaderless, internal], "internal"],
    ["an election before the transport", [leaderless, down, down], "leaderless"],
    ["the last answer of several", [internal, refused, down], "malformed hint"],
    ["the transport when there is nothing else", [down, down, down], "down"],
  ])("%s", (_name, outcomes, expected) => {
    const answers = new Map([a, b, c].map((target, index) => [target.key, outcomes[index] as AttemptOutcome]));
    const result = run([a, b, c], (target) => answers.get(target.key) as AttemptOutcome, { callMs: 2_500 });
    expect(failure(result)).toContain(expected);
  });

  it("says that time ran out when nothing was tried", () => {
    const plan = new RetryPlan({
      policy: DEFAULT_RETRY_POLICY,
      targets: [a],
      leader: () => undefined,
      deadlineAt: 5,
      random: () => 0,
    });
    expect(plan.next(5)).toMatchObject({ kind: "fail", expired: true, error: { code: "deadline_exceeded" } });
  });
});

describe("retry plan: bounds, whatever the servers do", () => {
  const outcome = fc.oneof(
    fc.constantFrom(down, internal, leaderless, refused),
    fc.integer({ min: 0, max: 5 }).map((index) => redirect(targetOf(`h${index}:1`, false))),
    fc.constantFrom(a, b, c).map(redirect),
  );

  it("ends by the deadline, asks nobody twice in a pass and makes a bounded number of attempts", () => {
    fc.assert(
      fc.property(
        fc.array(outcome, { minLength: 1, maxLength: 30 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (outcomes, chance) => {
          const result = run([a, b, c], (_target, attempt) => outcomes[attempt % outcomes.length] as AttemptOutcome, {
            random: () => chance,
            callMs: 20,
          });
          expect(result.end.kind).toBe("fail");
          expect(result.endedAt).toBeLessThan(DEFAULT_RETRY_POLICY.overallDeadlineMs + 25);
          expect(result.log.length).toBeLessThan(1_100);
        },
      ),
    );
  });
});

describe("backoff", () => {
  it("is uniform below a bound that doubles, and capped", () => {
    expect(backoffMs(0, 50, 5_000, () => 1)).toBe(50);
    expect(backoffMs(3, 50, 5_000, () => 0.5)).toBe(200);
    expect(backoffMs(3, 50, 5_000, () => 0)).toBe(0);
    expect(backoffMs(20, 50, 5_000, () => 1)).toBe(5_000);
    expect(backoffMs(100_000, 50, 5_000, () => 1)).toBe(5_000);
  });

  it.each([
    ["maxAttempts", 0],
    ["perAttemptDeadlineMs", Number.NaN],
    ["overallDeadlineMs", -1],
    ["baseBackoffMs", 2 ** 31],
    ["leaderTtlMs", Number.POSITIVE_INFINITY],
  ])("refuses %s = %s", (name, value) => {
    expect(() => resolveRetryPolicy({ [name]: value })).toThrow(new RegExp(`invalid_options.*retry\\.${name}`));
  });
});
