// SPDX-License-Identifier: Apache-2.0
import type { Lease } from "@tsoracle/client";
import { MAX_LEASE_HOLDER_BYTES, utf8Length } from "@tsoracle/core";
import { Command, InvalidArgumentError } from "commander";
import { CliError } from "../cli-error.ts";
import { addClientFlags, type ClientFlags } from "../client-flags.ts";
import { durationMs, option, unsigned64 } from "../options.ts";
import { printFields, printJson, printLine } from "../output.ts";

interface LeaseFlags extends ClientFlags {
  readonly json?: true;
}

interface AcquireFlags extends LeaseFlags {
  readonly ttl: number;
  readonly holderEpoch: bigint;
}

const DEFAULT_TTL_MS = 30_000;

function holderArgument(text: string): string {
  if (text !== "" && utf8Length(text) <= MAX_LEASE_HOLDER_BYTES) return text;
  throw new InvalidArgumentError(`expected 1 to ${MAX_LEASE_HOLDER_BYTES} bytes of UTF-8`);
}

async function show(lease: Lease, json: boolean): Promise<void> {
  const { leaseId, tsUpperBound, expiresAtMs, epoch } = lease;
  if (json) return printJson({ leaseId, tsUpperBound, expiresAtMs, epoch });
  await printFields([
    ["lease_id", leaseId.toString()],
    ["ts_upper_bound_ms", tsUpperBound.toString()],
    ["expires_at_ms", `${expiresAtMs} (${new Date(expiresAtMs).toISOString()})`],
    ["epoch", epoch.toString()],
  ]);
}

async function acquire(holder: string, flags: AcquireFlags): Promise<void> {
  const { withClient } = await import("../open-client.ts");
  await withClient(flags, async (client, signal) => {
    const request = { holder, holderEpoch: flags.holderEpoch, ttlMs: flags.ttl };
    await show(await client.acquireLease(request, { signal }), flags.json === true);
  });
}

async function renew(leaseId: bigint, flags: LeaseFlags): Promise<void> {
  const { withClient } = await import("../open-client.ts");
  await withClient(flags, async (client, signal) => {
    await show(await client.renewLease(leaseId, { signal }), flags.json === true);
  });
}

async function release(leaseId: bigint, flags: LeaseFlags): Promise<void> {
  const { withClient } = await import("../open-client.ts");
  await withClient(flags, async (client, signal) => {
    await client.releaseLease(leaseId, { signal });
    if (flags.json) await printJson({ leaseId, released: true });
    else await printLine(`released ${leaseId}`);
  });
}

function subcommand(name: string): Command {
  return addClientFlags(new Command(name)).addOption(option("--json", "one JSON object; 64-bit integers are strings"));
}

export function leaseCommand(): Command {
  const acquireLease = subcommand("acquire")
    .description("acquire a lease; the same holder and epoch get the same lease again")
    .argument("<holder>", "name of the holder", holderArgument)
    .addOption(
      option("--ttl <duration>", "time to live, within the server's bounds")
        .argParser(durationMs(1))
        .default(DEFAULT_TTL_MS, "30s"),
    )
    .addOption(
      option("--holder-epoch <number>", "a higher one supersedes the holder's older lease")
        .argParser(unsigned64)
        .default(0n, "0"),
    )
    .action(acquire)
    .addHelpText("after", "\nExamples:\n  tsoracle lease acquire worker-1 --ttl 10s --holder-epoch 2");
  const renewLease = subcommand("renew")
    .description("extend a lease by its own time to live")
    .argument("<lease-id>", "as acquire printed it", unsigned64)
    .action(renew)
    .addHelpText("after", "\nExamples:\n  tsoracle lease renew 1800000000000");
  const releaseLease = subcommand("release")
    .description("end a lease; one that has ended already is no error")
    .argument("<lease-id>", "as acquire printed it", unsigned64)
    .action(release)
    .addHelpText("after", "\nExamples:\n  tsoracle lease release 1800000000000");
  return new Command("lease")
    .description("acquire, renew or release a lease")
    .usage("<command> [flags]")
    .action(() => {
      throw new CliError("usage", "lease was given without a command: expected acquire, renew or release");
    })
    .addCommand(acquireLease)
    .addCommand(renewLease)
    .addCommand(releaseLease)
    .addHelpText("after", "\nExamples:\n  tsoracle lease acquire worker-1 --ttl 10s");
}
