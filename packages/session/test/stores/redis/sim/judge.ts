// SPDX-License-Identifier: Apache-2.0
import { JournalError, type JournalFence, type JournalHead, type JournalState } from "@tsoracle/consensus";

interface Append {
  readonly fence: JournalFence;
  /** One owner may own the session several times with the same fence. */
  readonly reign: number;
  readonly seq: number;
  readonly text: string;
  readonly begun: number;
  readonly ended: number;
  readonly outcome: "acknowledged" | "uncertain" | "refused";
}

/** What the journal promises, checked on what callers saw; it knows nothing of nodes or ballots. */
export class Judge {
  readonly counts: Record<string, number> = {};
  readonly #now: () => number;
  readonly #appends: Append[] = [];
  readonly #takeovers: { readonly fence: JournalFence; readonly ended: number }[] = [];
  readonly #loads: { readonly begun: number; readonly list: readonly string[]; readonly epoch: bigint }[] = [];
  readonly #found: string[] = [];
  #reigns = 0;
  #last: { readonly list: readonly string[]; readonly state: JournalState } | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  async takeover(fence: JournalFence, call: () => Promise<JournalHead>): Promise<JournalHead | undefined> {
    const begun = this.#now();
    const settled = await this.#outcome("takeover", call);
    if (settled.value === undefined) return undefined;
    const overtaken = this.#takeovers.some((other) => other.ended < begun && other.fence.epoch > fence.epoch);
    if (overtaken) this.#found.push(`epoch ${fence.epoch} took over after a greater one had`);
    this.#takeovers.push({ fence, ended: this.#now() });
    return settled.value;
  }

  /** A number for the writes of one owner until it gives up. */
  nextReign(): number {
    this.#reigns += 1;
    return this.#reigns;
  }

  /** Resolves to whether it was acknowledged. */
  async append(
    fence: JournalFence,
    reign: number,
    seq: number,
    text: string,
    call: () => Promise<void>,
  ): Promise<boolean> {
    const begun = this.#now();
    const { code } = await this.#outcome("append", call);
    const outcome = code === undefined ? "acknowledged" : code === "uncertain" ? "uncertain" : "refused";
    this.#appends.push({ fence, reign, seq, text, begun, ended: this.#now(), outcome });
    return outcome === "acknowledged";
  }

  async other(what: string, call: () => Promise<void>): Promise<boolean> {
    return (await this.#outcome(what, call)).code === undefined;
  }

  async load(begun: number, call: () => Promise<JournalState>): Promise<JournalState | undefined> {
    const { value } = await this.#outcome("load", call);
    if (value !== undefined) this.#loads.push({ begun, list: this.listOf(value), epoch: value.fence.epoch });
    return value;
  }

  finally(state: JournalState): void {
    this.#last = { list: this.listOf(state), state };
    this.#loads.push({ begun: this.#now(), list: this.#last.list, epoch: state.fence.epoch });
  }

  /** Every entry that there ever was: a snapshot holds those that it covers. */
  listOf({ snapshot, entries }: JournalState): readonly string[] {
    const decoder = new TextDecoder();
    const covered = snapshot === undefined ? [] : (JSON.parse(decoder.decode(snapshot.bytes)) as string[]);
    return [...covered, ...entries.map(({ entry }) => decoder.decode(entry))];
  }

  violations(): readonly string[] {
    const last = this.#last;
    if (last === undefined) return ["there was no last look"];
    return [
      ...this.#found,
      ...this.#lostOrChanged(last.list),
      ...this.#surplus(last.list),
      ...this.#fenced(),
      ...this.#stale(last.list),
    ];
  }

  #lostOrChanged(list: readonly string[]): readonly string[] {
    return this.#appends.flatMap(({ outcome, seq, text }) => {
      const found = list[seq - 1];
      if (outcome === "acknowledged" && found !== text)
        return [`entry ${seq} was acknowledged as ${text} and is ${found}`];
      return outcome === "refused" && found === text ? [`entry ${seq} was refused as ${text} and is there`] : [];
    });
  }

  /** What is there and was not acknowledged was uncertain: one a reign at most. */
  #surplus(list: readonly string[]): readonly string[] {
    const reigns = new Map<number, number>();
    for (const { outcome, seq, text, reign } of this.#appends) {
      if (outcome === "acknowledged" || list[seq - 1] !== text) continue;
      reigns.set(reign, (reigns.get(reign) ?? 0) + 1);
    }
    const texts = this.#appends.map(({ text }) => text);
    const invented = list.filter((text) => !texts.includes(text)).map((text) => `nobody wrote ${text}`);
    const twice = list.filter((text, index) => list.indexOf(text) !== index).map((text) => `${text} is there twice`);
    const many = [...reigns]
      .filter(([, count]) => count > 1)
      .map(([reign, count]) => `reign ${reign} left ${count} doubts`);
    return [...invented, ...twice, ...many];
  }

  /** Nothing that began after a takeover had resolved was acknowledged to an owner before it. */
  #fenced(): readonly string[] {
    return this.#appends.flatMap(({ outcome, fence, begun, text }) => {
      if (outcome !== "acknowledged") return [];
      const newer = this.#takeovers.find((takeover) => takeover.ended < begun && takeover.fence.epoch > fence.epoch);
      const rival = this.#takeovers.find(
        (takeover) =>
          takeover.ended < begun && takeover.fence.epoch === fence.epoch && takeover.fence.owner !== fence.owner,
      );
      if (rival !== undefined) return [`${text}: two owners had epoch ${fence.epoch}`];
      return newer === undefined
        ? []
        : [`${text} of epoch ${fence.epoch} was acknowledged after ${newer.fence.epoch} had taken over`];
    });
  }

  /** What a load showed stays, and it showed everything that had resolved before it. */
  #stale(list: readonly string[]): readonly string[] {
    return this.#loads.flatMap(({ begun, list: seen, epoch }) => {
      const changed = seen.findIndex((text, index) => list[index] !== text);
      const missing = this.#appends.find(
        ({ outcome, ended, seq, text }) => outcome === "acknowledged" && ended < begun && seen[seq - 1] !== text,
      );
      const older = this.#takeovers.find((takeover) => takeover.ended < begun && takeover.fence.epoch > epoch);
      return [
        ...(changed < 0
          ? []
          : [`a load showed ${seen[changed]} as entry ${changed + 1}, later ${list[changed]} was there`]),
        ...(missing === undefined ? [] : [`a load did not show ${missing.text}, which was acknowledged before`]),
        ...(older === undefined ? [] : [`a load showed epoch ${epoch} after ${older.fence.epoch} had taken over`]),
      ];
    });
  }

  async #outcome<T>(what: string, call: () => Promise<T>): Promise<{ readonly value?: T; readonly code?: string }> {
    try {
      const value = await call();
      this.count(what);
      return { value };
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      this.count(`${what} ${error.code}`);
      if (error.code === "permanent") this.#found.push(`${what}: ${error.message}`);
      return { code: error.code };
    }
  }
}
