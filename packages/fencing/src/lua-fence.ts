// SPDX-License-Identifier: Apache-2.0
import { type EpochBits, epochFromText, epochToText } from "./epoch-domain.ts";
import { type FenceRecord, type FenceVerdict, fenceRecord } from "./fence-rule.ts";
import { FenceStoreError } from "./fencing-errors.ts";

export interface LuaFenceOptions {
  /** @defaultValue 64: epochs are 20 decimal digits; with 128 they are 32 hex digits */
  readonly bits?: EpochBits;
  /** Fields of the hash at `KEYS[1]`. @defaultValue `fence_epoch` and `fence_owner` */
  readonly epochField?: string;
  readonly ownerField?: string;
}

/** What a script of {@link LuaFence} answers, understood. */
export type LuaFenceReply =
  | { readonly kind: "passed"; readonly verdict: FenceVerdict; readonly rest: readonly unknown[] }
  /** The claim is above what is held, or nothing is held: promise it before writing under it. */
  | { readonly kind: "unpromised"; readonly current: bigint | undefined }
  | { readonly kind: "refused"; readonly verdict: FenceVerdict & { readonly ok: false } };

/**
 * The fence rule as Lua for Redis, for use inside the script that writes. The fence is two fields of the
 * hash at `KEYS[1]`; a claim is `ARGV[1]` (epoch) and `ARGV[2]` (owner). Numbers of Lua are doubles, so an
 * epoch is text of one width, checked, and compared in pieces that doubles hold exactly; `<` on strings
 * would follow the server's locale. Source: `fencing-quorum-sessions.md` 1.3, `postgres-redis.md` 4.6.
 */
export class LuaFence {
  readonly #bits: EpochBits;
  readonly #epochField: string;
  readonly #ownerField: string;

  constructor(options: LuaFenceOptions = {}) {
    this.#bits = options.bits ?? 64;
    this.#epochField = options.epochField ?? "fence_epoch";
    this.#ownerField = options.ownerField ?? "fence_owner";
  }

  /**
   * `ARGV[1]` and `ARGV[2]` for a claim.
   *
   * @throws FenceValueError `epoch_out_of_range`, `id_invalid`.
   */
  argv(claim: FenceRecord): readonly [epoch: string, owner: string] {
    const { epoch, owner } = fenceRecord(claim.epoch, claim.owner, this.#bits);
    return [epochToText(epoch, this.#bits), owner];
  }

  /** Promises the fence to the claim if nothing is held, if the claim is higher, or if it is held already. */
  raiseScript(): string {
    return `${this.#prelude()}
if fence_order < 0 then return {'STALE', fence_held} end
if fence_order == 0 and fence_owner ~= ARGV[2] then return {'SPLIT', fence_held, fence_owner} end
if fence_order == 0 then return {'OK', '0'} end
redis.call('HSET', KEYS[1], ${luaText(this.#epochField)}, ARGV[1], ${luaText(this.#ownerField)}, ARGV[2])
return {'OK', '1'}
`;
  }

  /**
   * A script that runs `body` only if the claim is the one in force. The body is Lua that may use `KEYS[2]`
   * and `ARGV[3]` onwards and must not touch the fence fields; what it returns, which must be an array, comes
   * back as `rest`. Everything it declares is local to it. A script is atomic but not rolled back: let
   * its write be the last call.
   */
  guardedScript(body: string): string {
    return `${this.#prelude()}
if fence_order < 0 then return {'STALE', fence_held} end
if fence_order > 0 then return {'UNPROMISED', fence_held or ''} end
if fence_owner ~= ARGV[2] then return {'SPLIT', fence_held, fence_owner} end
local fence_rest = (function()
${body}
end)() or {}
local fence_reply = {'OK', '0'}
for fence_index = 1, #fence_rest do fence_reply[fence_index + 2] = fence_rest[fence_index] end
return fence_reply
`;
  }

  /** The record held: `false` for none, else epoch and owner. Read the reply with {@link readHeld}. */
  loadScript(): string {
    return `return redis.call('HMGET', KEYS[1], ${luaText(this.#epochField)}, ${luaText(this.#ownerField)})`;
  }

  /** @throws FenceStoreError `store_malformed` for a reply that is no record. */
  readHeld(reply: unknown): FenceRecord | undefined {
    if (!Array.isArray(reply) || reply.length !== 2) throw malformed(reply);
    const [epoch, owner] = reply as readonly unknown[];
    if (epoch === null && owner === null) return undefined;
    if (typeof owner !== "string") throw malformed(reply);
    return parsed(reply, () => fenceRecord(this.#epochOf(epoch, reply), owner, this.#bits));
  }

  /**
   * Understands the reply of {@link raiseScript} or {@link guardedScript}. Redis must give strings, not
   * buffers.
   *
   * @throws FenceStoreError `store_malformed` for anything that these scripts do not answer.
   */
  readReply(reply: unknown): LuaFenceReply {
    if (!Array.isArray(reply)) throw malformed(reply);
    const [word, second, third, ...rest] = reply as readonly unknown[];
    switch (word) {
      case "OK":
        return {
          kind: "passed",
          verdict: { ok: true, advanced: second === "1" },
          rest: reply.length > 2 ? [third, ...rest] : [],
        };
      case "UNPROMISED":
        return { kind: "unpromised", current: second === "" ? undefined : this.#epochOf(second, reply) };
      case "STALE":
        return { kind: "refused", verdict: { ok: false, kind: "stale", current: this.#epochOf(second, reply) } };
      case "SPLIT":
        if (typeof third !== "string") throw malformed(reply);
        return { kind: "refused", verdict: { ok: false, kind: "split_brain", currentOwner: third } };
      default:
        throw malformed(reply);
    }
  }

  #epochOf(text: unknown, reply: unknown): bigint {
    if (typeof text !== "string") throw malformed(reply);
    return parsed(reply, () => epochFromText(text, this.#bits));
  }

  /** Reads and checks both sides. Afterwards `fence_order` is the claim against what is held: -1, 0 or 1. */
  #prelude(): string {
    const [width, pattern, piece, base] = this.#bits === 64 ? [20, "[^0-9]", 10, 10] : [32, "[^0-9a-f]", 8, 16];
    const max = epochToText(2n ** BigInt(this.#bits) - 1n, this.#bits);
    return `local function fence_compare(a, b)
  for i = 1, ${width}, ${piece} do
    local x, y = tonumber(string.sub(a, i, i + ${piece - 1}), ${base}), tonumber(string.sub(b, i, i + ${piece - 1}), ${base})
    if x ~= y then return x < y and -1 or 1 end
  end
  return 0
end
local function fence_is_epoch(s)
  return s and #s == ${width} and not string.find(s, '${pattern}') and fence_compare(s, '${max}') <= 0
end
if not fence_is_epoch(ARGV[1]) or not ARGV[2] or ARGV[2] == '' then return {'MALFORMED', 'claim'} end
local fence_stored = redis.call('HMGET', KEYS[1], ${luaText(this.#epochField)}, ${luaText(this.#ownerField)})
local fence_held, fence_owner = fence_stored[1], fence_stored[2]
local fence_order = 1
if fence_held or fence_owner then
  if not fence_is_epoch(fence_held) or not fence_owner or fence_owner == '' then return {'MALFORMED', 'stored'} end
  fence_order = fence_compare(ARGV[1], fence_held)
end`;
  }
}

function parsed<T>(reply: unknown, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof FenceStoreError ? error : malformed(reply, error);
  }
}

function malformed(reply: unknown, cause?: unknown): FenceStoreError {
  return new FenceStoreError("store_malformed", `a fence script answered ${JSON.stringify(reply)}`, { cause });
}

/** A literal of Lua: every byte that is not a plain letter, digit, colon or underscore is escaped. */
function luaText(text: string): string {
  const bytes = [...text].flatMap((character) => utf8(character.codePointAt(0) ?? 0));
  return `'${bytes.map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, "0")}`)).join("")}'`;
}

function isPlain(byte: number): boolean {
  return /[A-Za-z0-9_:]/.test(String.fromCharCode(byte)) && byte < 128;
}

function utf8(point: number): number[] {
  if (point < 0x80) return [point];
  if (point < 0x800) return [0xc0 | (point >> 6), 0x80 | (point & 63)];
  if (point < 0x10000) return [0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63)];
  return [0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63)];
}
