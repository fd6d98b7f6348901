// SPDX-License-Identifier: Apache-2.0
import { peerEndpoint } from "@tsoracle/core";
import type { FirstMember } from "@tsoracle/driver-raft";
import { InvalidArgumentError } from "commander";
import { peerAddress } from "../options.ts";

/** The id of a member: whatever a JSON reader can hold. */
export function memberId(text: string): number {
  const id = Number(text);
  if (/^[0-9]{1,16}$/.test(text) && Number.isSafeInteger(id) && id >= 1) return id;
  throw new InvalidArgumentError("expected a member id, a whole number from 1 to 2^53-1");
}

/** `ID=VALUE` separated by commas, each id once. Blanks, as a comma at the end leaves one, are skipped. */
function byId<T>(text: string, expected: string, read: (id: number, value: string) => T): readonly T[] {
  const seen = new Set<number>();
  const items = text.split(",").map((part) => part.trim());
  const read1 = (item: string): T => {
    const [idText = "", value, ...rest] = item.split("=");
    if (value === undefined || rest.length > 0) throw new InvalidArgumentError(`expected ${expected}, got '${item}'`);
    const id = memberId(idText.trim());
    if (seen.has(id)) throw new InvalidArgumentError(`member ${id} stands twice`);
    seen.add(id);
    return read(id, value.trim());
  };
  const list = items.filter((item) => item !== "").map(read1);
  if (list.length === 0) throw new InvalidArgumentError(`expected ${expected}`);
  return list;
}

/** `--members`: `ID=PEER/CLIENT[/ADMIN]`, each an address HOST:PORT. */
export function firstMembers(text: string): readonly FirstMember[] {
  return byId(text, "ID=PEER/CLIENT or ID=PEER/CLIENT/ADMIN, each HOST:PORT", (id, value) => {
    const [peer = "", client, admin, ...rest] = value.split("/");
    if (client === undefined || rest.length > 0) {
      throw new InvalidArgumentError(
        `member ${id}: expected PEER/CLIENT or PEER/CLIENT/ADMIN, each HOST:PORT, got '${value}'`,
      );
    }
    const member = { id, peerEndpoint: endpoint(peer), clientEndpoint: endpoint(client) };
    return admin === undefined ? member : { ...member, adminEndpoint: endpoint(admin) };
  });
}

/** `--peers`: `ID=HOST:PORT`. */
export function peerMap(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(byId(text, "ID=HOST:PORT", (id, value) => [String(id), peerAddress(value)]));
}

const endpoint = (text: string): FirstMember["peerEndpoint"] => peerEndpoint(peerAddress(text));
