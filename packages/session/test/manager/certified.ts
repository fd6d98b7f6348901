// SPDX-License-Identifier: Apache-2.0
import type { FencedJournal } from "@tsoracle/consensus";
import { type FaultyJournal, faultyJournal } from "@tsoracle/consensus/memory";
import type { CertifiedStore, DurableBackendContract } from "../../src/certification.ts";
import { BACKEND_PRESSURES } from "../../src/certification.ts";

/** Of each packet, in each direction, while a store behind a network is slow. Milliseconds. */
export const DELAY_MS = 40;

/** What a store of these tests promises. */
export function contractOf(name: string, durableBackendClass: DurableBackendContract["class"]): DurableBackendContract {
  const page = "packages/session/README.md";
  return {
    name,
    class: durableBackendClass,
    durableStore: name,
    takeoverRequiresFencing: true,
    recoveryRequiresReplay: true,
    continuitySloMs: 10_000,
    maxDataLossEvents: 0,
    supportedPressures: BACKEND_PRESSURES,
    artifact: { tuningGuide: page, certificationReport: page, evidenceManifest: page },
  };
}

/** A store in this process: node 0 can be cut off from it, and all nodes can be made to wait for it. */
export function storeInProcess(name: string, open: () => FencedJournal): CertifiedStore & AsyncDisposable {
  const journals = new Map<number, FaultyJournal>();
  let slow = false;
  const journal = (node: number): FencedJournal => {
    const made = journals.get(node) ?? faultyJournal(open(), { callTimeoutMs: 20 });
    journals.set(node, made);
    return slowed(made, () => slow);
  };
  return {
    name,
    journal,
    slowDown: () => {
      slow = true;
      return () => {
        slow = false;
      };
    },
    cutOff: () => {
      journal(0);
      return journals.get(0)?.faults.stall("all") ?? ((): void => {});
    },
    [Symbol.asyncDispose]: async () => {
      for (const each of journals.values()) await each[Symbol.asyncDispose]();
    },
  };
}

/** Lets each call wait for many turns of the event loop, which is a delay without a clock. */
function slowed(inner: FencedJournal, isSlow: () => boolean): FencedJournal {
  const wait = async (): Promise<void> => {
    for (let turn = 0; isSlow() && turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const after =
    <Call extends readonly unknown[], T>(method: (...call: Call) => Promise<T>) =>
    async (...call: Call): Promise<T> => {
      await wait();
      return await method(...call);
    };
  return {
    name: inner.name,
    limits: inner.limits,
    load: after((...call: Parameters<FencedJournal["load"]>) => inner.load(...call)),
    createIfAbsent: after((...call: Parameters<FencedJournal["createIfAbsent"]>) => inner.createIfAbsent(...call)),
    takeover: after((...call: Parameters<FencedJournal["takeover"]>) => inner.takeover(...call)),
    append: after((...call: Parameters<FencedJournal["append"]>) => inner.append(...call)),
    putSnapshot: after((...call: Parameters<FencedJournal["putSnapshot"]>) => inner.putSnapshot(...call)),
    truncateThrough: after((...call: Parameters<FencedJournal["truncateThrough"]>) => inner.truncateThrough(...call)),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}
