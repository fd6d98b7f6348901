// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { Servers } from "./servers.ts";

/** A server that says when it was ended. */
function serverOf(ended: string[], name: string): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      ended.push(name);
    },
  };
}

describe("servers of a program", () => {
  it("are started by the first who asks, once, and ended with the program", async () => {
    const ended: string[] = [];
    const servers = new Servers();
    let starts = 0;
    const several = servers.lazily(async () => {
      starts += 1;
      return [serverOf(ended, "a"), serverOf(ended, "b")];
    });
    servers.lazily(() => Promise.reject(new Error("nobody asked for this one")));
    expect(starts).toBe(0);
    expect(await several()).toBe(await several());
    expect(starts).toBe(1);
    await servers[Symbol.asyncDispose]();
    expect(ended).toEqual(["a", "b"]);
    await servers[Symbol.asyncDispose]();
    expect(ended).toEqual(["a", "b"]);
  });

  it("are ended also while they are only starting, and beside one that did not come up", async () => {
    const ended: string[] = [];
    const servers = new Servers();
    let up = (_server: AsyncDisposable): void => {};
    const starting = servers.lazily(
      () =>
        new Promise<AsyncDisposable>((resolve) => {
          up = resolve;
        }),
    );
    const failing = servers.lazily(() => Promise.reject<AsyncDisposable>(new Error("no such program")));
    void starting();
    await expect(failing()).rejects.toThrow("no such program");
    const end = servers[Symbol.asyncDispose]();
    up(serverOf(ended, "late"));
    await end;
    expect(ended).toEqual(["late"]);
  });

  it("are not started when the program is over", async () => {
    const servers = new Servers();
    const late = servers.lazily(async () => serverOf([], "too late"));
    await servers[Symbol.asyncDispose]();
    await expect(late()).rejects.toThrow(/starts no more servers/);
  });
});
