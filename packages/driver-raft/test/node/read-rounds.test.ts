// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { ReadRounds } from "../../src/node/read-rounds.ts";

/** Rounds of one start, with what they asked of the core. */
function rounds(start = 1) {
  const asked: Uint8Array[] = [];
  const readable: number[] = [];
  const host = { begin: (context: Uint8Array) => asked.push(context), readable: (id: number) => readable.push(id) };
  return { asked, readable, reads: new ReadRounds(host, start) };
}

const request = (asked: readonly Uint8Array[], index: number): Uint8Array => asked[index] ?? new Uint8Array();

describe("rounds of reads", () => {
  it("Q1: whoever asks while a round is under way is not in it", () => {
    const { asked, readable, reads } = rounds();
    reads.ask(1);
    reads.begin();
    reads.ask(2);
    reads.begin();
    expect(asked).toHaveLength(1);
    reads.confirmed(request(asked, 0), 5);
    reads.applied(5);
    expect(readable).toEqual([1]);
    reads.begin();
    reads.confirmed(request(asked, 1), 6);
    reads.applied(6);
    expect(readable).toEqual([1, 2]);
  });

  it("answers only when everything up to the index is applied", () => {
    const { asked, readable, reads } = rounds();
    reads.ask(1);
    reads.begin();
    reads.confirmed(request(asked, 0), 5);
    reads.applied(4);
    expect(readable).toEqual([]);
    reads.applied(5);
    expect(readable).toEqual([1]);
  });

  it("asks again while there is no answer, and takes a late answer to an earlier request of the round", () => {
    const { asked, readable, reads } = rounds();
    reads.ask(1);
    reads.begin();
    for (let ticks = 0; ticks < 3; ticks++) reads.tick();
    reads.ask(2);
    expect(asked).toHaveLength(2);
    expect(request(asked, 1)).not.toEqual(request(asked, 0));
    reads.confirmed(request(asked, 0), 3);
    reads.applied(3);
    expect(readable).toEqual([1]);
    reads.confirmed(request(asked, 1), 4);
    reads.applied(4);
    expect(readable).toEqual([1]);
  });

  it("takes no answer that an earlier start of the node had asked for", () => {
    const [before, after] = [rounds(4), rounds(5)];
    before.reads.ask(1);
    before.reads.begin();
    after.reads.ask(1);
    after.reads.begin();
    after.reads.confirmed(request(before.asked, 0), 3);
    after.reads.applied(3);
    expect(after.readable).toEqual([]);
    after.reads.confirmed(request(after.asked, 0), 3);
    after.reads.applied(3);
    expect(after.readable).toEqual([1]);
  });

  it("takes no answer to the last round, to nothing, or of another form", () => {
    const { asked, readable, reads } = rounds();
    reads.ask(1);
    reads.begin();
    reads.confirmed(request(asked, 0), 1);
    reads.applied(1);
    reads.ask(2);
    reads.begin();
    for (const context of [request(asked, 0), new Uint8Array(), new Uint8Array(9)]) reads.confirmed(context, 9);
    reads.applied(9);
    expect(readable).toEqual([1]);
  });

  it("forgets whoever waits no more, wherever they wait, and asks for nobody", () => {
    const { asked, readable, reads } = rounds();
    for (const id of [1, 2]) reads.ask(id);
    reads.begin();
    reads.ask(3);
    for (const id of [1, 2, 3]) reads.forget(id);
    for (let ticks = 0; ticks < 9; ticks++) {
      reads.tick();
      reads.begin();
    }
    expect(asked).toHaveLength(1);
    reads.ask(4);
    reads.begin();
    reads.confirmed(request(asked, 1), 2);
    reads.forget(4);
    reads.applied(2);
    expect(readable).toEqual([]);
  });
});
