// SPDX-License-Identifier: Apache-2.0

/** What tests can do to every server, whichever it is. All methods resolve when the effect is there. */
export interface Server extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Where the server comes from, in words. */
  readonly via: string;
  /** False for a server of the environment, which can only be used: its faults throw {@link NotOwned}. */
  readonly isOwned: boolean;
  readonly isRunning: boolean;
  /** The process of the server and all below it; empty when it does not run. */
  pids(): number[];
  /** What it printed, over all restarts; the last 256 Ki characters. */
  log(): string;
  /** SIGKILL: the data stays, {@link restart} brings it back. */
  kill(): Promise<void>;
  /** An orderly end: the data stays, {@link restart} brings it back. */
  shutdown(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): Promise<void>;
  /** SIGCONT: what was sent in the meantime is served now. */
  resume(): Promise<void>;
  /** Starts the server again on the same port and data; kills it first if it runs. */
  restart(): Promise<void>;
  /** Ends the server and deletes its data. Also called by `await using`. */
  stop(): Promise<void>;
}

/** A fault was asked of a server that the environment provides. */
export class NotOwned extends Error {
  constructor(action: string, via: string) {
    super(
      `cannot ${action} a server that comes from ${via}, because this process did not start it: ` +
        `unset ${via} to let the tests start their own`,
    );
    this.name = "NotOwned";
  }
}
