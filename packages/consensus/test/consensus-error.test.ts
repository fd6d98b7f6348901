// SPDX-License-Identifier: Apache-2.0
import { epoch } from "@tsoracle/core";
import { describe, expect, it, vi } from "vitest";
import { ConsensusError, type ConsensusErrorCode } from "../src/index.ts";

/** Every code; the type makes a forgotten one a compile error. */
const codes: Record<ConsensusErrorCode, true> = {
  not_leader: true,
  fenced: true,
  transient: true,
  uncertain: true,
  permanent: true,
  out_of_range: true,
  closed: true,
  seq_cardinality_exceeded: true,
  seq_overflow: true,
  dense_not_activated: true,
  dense_batch_not_activated: true,
  leases_not_activated: true,
};

describe("ConsensusError", () => {
  it.each(Object.keys(codes) as ConsensusErrorCode[])("carries the code %s and shows it first", (code) => {
    const error = new ConsensusError(code, "what happened");
    expect(error).toMatchObject({ name: "ConsensusError", code, message: `[${code}] what happened` });
    expect(error).toBeInstanceOf(Error);
  });

  it("carries a cause and a newer epoch where there is one", () => {
    const cause = new Error("disk");
    const error = new ConsensusError("fenced", "x", { cause, currentEpoch: epoch(4n) });
    expect([error.cause, error.currentEpoch]).toEqual([cause, 4n]);
    expect("cause" in new ConsensusError("fenced", "x")).toBe(false);
  });

  it("is recognised across copies of the package", async () => {
    vi.resetModules();
    const copy: typeof import("../src/index.ts") = await import("../src/index.ts");
    expect(copy.ConsensusError).not.toBe(ConsensusError);
    const foreign: unknown = new copy.ConsensusError("transient", "from the other copy");
    expect(foreign instanceof ConsensusError).toBe(true);
    expect(ConsensusError.from(foreign)).toBe(foreign);
    const own: unknown = new ConsensusError("transient", "from this copy");
    expect(own instanceof copy.ConsensusError).toBe(true);
  });

  it.each([new Error("x"), null, undefined, "x", 1, {}, { code: "transient" }])("does not recognise %s", (value) => {
    expect((value as unknown) instanceof ConsensusError).toBe(false);
  });

  it("is not taken for a subclass that it is no instance of", () => {
    class Special extends ConsensusError {}
    expect((new ConsensusError("closed", "x") as unknown) instanceof Special).toBe(false);
    expect(new Special("closed", "x")).toBeInstanceOf(ConsensusError);
  });

  it("takes what nobody classified for permanent, because to go on would be a guess", () => {
    const cause = new TypeError("x is undefined");
    expect(ConsensusError.from(cause)).toMatchObject({ code: "permanent", cause });
    expect(ConsensusError.from("text").message).toContain("text");
    expect(ConsensusError.from(undefined).code).toBe("permanent");
  });
});
