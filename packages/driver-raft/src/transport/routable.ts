// SPDX-License-Identifier: Apache-2.0
import { BlockList, isIP } from "node:net";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Whether only processes of this machine can reach the host: 127.0.0.0/8, ::1 and `localhost`. */
export function isLoopback(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host.toLowerCase() === "localhost";
  return loopback.check(host, family === 6 ? "ipv6" : "ipv4");
}

/**
 * Peers without TLS are trusted blindly, so a routable address needs either TLS or an explicit word (X1).
 *
 * @throws TypeError before anything is opened.
 */
export function refuseRoutablePlaintext(host: string, insecureAllowed: boolean): void {
  if (isLoopback(host) || insecureAllowed) return;
  throw new TypeError(
    `peers would reach '${host}' without TLS, and whoever reaches it can rewrite the oracle: give certificates for peers (tls), listen on loopback, or say allowInsecurePeer`,
  );
}
