import * as subject from "@tsoracle/driver-raft/simulation";
import { planCase } from "./src/plan.ts";
import { runCase } from "./src/run-case.ts";

const [seed, keep, ms, pat, n] = process.argv.slice(2);
const plan = planCase(Number(seed), {
  ...(keep ? { keep: keep.split(",").filter(Boolean).map(Number) } : {}),
  ...(ms && ms !== "0" ? { safetyMs: Number(ms) } : {}),
});
console.log(plan);
const r = runCase(subject, plan, true);
console.log(r.violation);
const re = new RegExp(pat ?? ".");
console.log(
  r.last
    .filter((l) => re.test(l))
    .slice(-Number(n ?? 60))
    .join("\n"),
);
