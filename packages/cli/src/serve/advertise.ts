// SPDX-License-Identifier: Apache-2.0
import { BlockList, isIPv4, isIPv6 } from "node:net";
import { CliError } from "../cli-error.ts";
import { formatListenAddress, type ListenAddress, parseListenAddress } from "../listen-address.ts";
import { isLoopback } from "../loopback.ts";

const EVERYWHERE = new BlockList();
EVERYWHERE.addAddress("0.0.0.0", "ipv4");
EVERYWHERE.addAddress("::", "ipv6");

function isIn(list: BlockList, host: string): boolean {
  if (isIPv4(host)) return list.check(host, "ipv4");
  return isIPv6(host) && list.check(host, "ipv6");
}

/** Why other machines cannot be sent to where this server listens. */
function unreachable({ host, port }: ListenAddress): string | undefined {
  if (isIn(EVERYWHERE, host)) return "is every address of this machine and none that clients could call";
  if (isLoopback(host)) return "can be reached from this machine only";
  return port === 0 ? "names no port" : undefined;
}

/**
 * Where this server tells the others that clients reach it: what `--advertise` says, else where it listens. An address
 * that clients elsewhere cannot call is taken from `--advertise` only, because a wrong hint shows itself no sooner than
 * at the first failover.
 *
 * @throws CliError `usage`
 */
export function advertisedAddress(advertise: string | undefined, listen: ListenAddress): string {
  if (advertise === undefined) {
    const why = unreachable(listen);
    if (why === undefined) return formatListenAddress(listen);
    throw new CliError(
      "usage",
      `--advertise is missing, and --listen ${formatListenAddress(listen)} ${why}: expected --advertise HOST:PORT as clients call this server`,
    );
  }
  const parsed = parseListenAddress(advertise);
  if (parsed.ok && isIn(EVERYWHERE, parsed.address.host)) {
    throw new CliError("usage", `--advertise ${advertise}: ${unreachable(parsed.address)}`);
  }
  return advertise;
}
