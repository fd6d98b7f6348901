// SPDX-License-Identifier: Apache-2.0
import { NotOwned, type Server } from "./server.ts";

/** A server that the environment names. It can be used; every fault is refused with a reason. */
export function externalServer(url: string, via: string, defaultPort: number): Server {
  const { hostname, port } = new URL(url);
  const refuse = (action: string) => (): Promise<never> => Promise.reject(new NotOwned(action, via));
  const leave = async (): Promise<void> => {};
  return {
    url,
    host: hostname,
    port: port === "" ? defaultPort : Number(port),
    via,
    isOwned: false,
    isRunning: true,
    pids: () => [],
    log: () => "",
    kill: refuse("kill"),
    shutdown: refuse("shut down"),
    pause: refuse("pause"),
    resume: refuse("resume"),
    restart: refuse("restart"),
    stop: leave,
    [Symbol.asyncDispose]: leave,
  };
}
