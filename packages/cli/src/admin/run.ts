// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from "node:timers/promises";
import { MemberRole, type MembershipView } from "@tsoracle/proto";
import { CliError } from "../cli-error.ts";
import type { CallFlags } from "../client-flags.ts";
import { formatDuration } from "../duration.ts";
import { endOnSignals } from "../interrupt.ts";
import { readClientTls } from "../open-client.ts";
import { printJson, printLine } from "../output.ts";
import { noAnswer } from "../status/no-answer.ts";
import { ADMIN, callAdmin } from "./admin-client.ts";
import { type AdminAccess, changeAtLeader } from "./find-leader.ts";

export interface AdminFlags extends CallFlags {
  readonly endpoint: readonly string[];
  readonly json?: true;
}

export interface MemberFlags extends AdminFlags {
  readonly id: number;
}

export interface RemoveFlags extends MemberFlags {
  readonly force?: true;
}

export interface AddLearnerFlags extends MemberFlags {
  readonly raftAddr: string;
  readonly serviceEndpoint: string;
  readonly adminEndpoint?: string;
  readonly storageId?: string;
}

function begin(flags: AdminFlags): AdminAccess {
  const tls = readClientTls(flags);
  endOnSignals();
  return { endpoints: flags.endpoint, tls, timeout: flags.timeout };
}

/** @throws CliError `failed` when no member answers */
export async function showMembers(flags: AdminFlags): Promise<void> {
  const view = await viewOf(begin(flags));
  const members = view.members.map(({ id, role, raftAddr, serviceEndpoint, adminEndpoint }) => ({
    id,
    role: role === MemberRole.MEMBER_ROLE_VOTER ? "voter" : "learner",
    leads: view.hasLeader && id === view.leader,
    raftAddr,
    serviceEndpoint,
    adminEndpoint: adminEndpoint === "" ? undefined : adminEndpoint,
  }));
  if (flags.json) return await printJson({ leader: view.hasLeader ? view.leader : undefined, members });
  const rows = members.map(({ id, role, leads, raftAddr, serviceEndpoint, adminEndpoint }) => [
    String(id),
    leads ? "leader" : role,
    raftAddr,
    serviceEndpoint,
    adminEndpoint ?? "-",
  ]);
  await printTable([["ID", "ROLE", "RAFT", "SERVICE", "ADMIN"], ...rows]);
}

async function printTable(rows: readonly (readonly string[])[]): Promise<void> {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of rows)
    await printLine(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
}

/** The members, as the first of the given ones says that answers. */
async function viewOf({ endpoints, tls, timeout }: AdminAccess): Promise<MembershipView> {
  const problems: string[] = [];
  for (const endpoint of endpoints) {
    try {
      return await callAdmin(endpoint, tls, ADMIN.listMembers, {}, timeout);
    } catch (error) {
      problems.push(noAnswer(endpoint, timeout, error));
    }
  }
  throw new CliError("failed", problems.join("; "));
}

async function done(flags: MemberFlags, change: string, sentence: string): Promise<void> {
  if (flags.json) await printJson({ change, id: flags.id, ok: true });
  else await printLine(sentence);
}

/** @throws CliError `failed` with what the cluster said */
export async function addLearner(flags: AddLearnerFlags): Promise<void> {
  const { id, raftAddr, serviceEndpoint, adminEndpoint = "", storageId = "" } = flags;
  const request = { id: BigInt(id), raftAddr, serviceEndpoint, adminEndpoint, storageId };
  await changeAtLeader(begin(flags), ADMIN.addLearner, request);
  await done(flags, "add-learner", `Member ${id} is a learner; start it, then promote it`);
}

/** Waits until the learner has caught up. @throws CliError `failed` with what the cluster said */
export async function promote(flags: MemberFlags): Promise<void> {
  await changeAtLeader(begin(flags), ADMIN.promote, { id: BigInt(flags.id) });
  await done(flags, "promote", `Member ${flags.id} has a vote`);
}

/** @throws CliError `failed` with what the cluster said */
export async function remove(flags: RemoveFlags): Promise<void> {
  const access = begin(flags);
  await changeAtLeader(access, ADMIN.removeNode, { id: BigInt(flags.id), force: flags.force === true });
  await done(flags, "remove", `Member ${flags.id} is removed for good; its process ends by itself`);
  if (!flags.json && (await countVoters(access)) === 2) {
    await printLine("Two voters are left, and the cluster needs both of them: add a third");
  }
}

/** Undefined where nobody answers any more: the change stands all the same. */
async function countVoters(access: AdminAccess): Promise<number | undefined> {
  try {
    const { members } = await viewOf(access);
    return members.filter(({ role }) => role === MemberRole.MEMBER_ROLE_VOTER).length;
  } catch (error) {
    if (error instanceof CliError) return undefined;
    throw error;
  }
}

const POLL_MS = 100;

/** Done when the member leads. @throws CliError `failed` with what the cluster said */
export async function transfer(flags: MemberFlags): Promise<void> {
  const access = begin(flags);
  const wanted = BigInt(flags.id);
  const over = performance.now() + flags.timeout;
  await changeAtLeader(access, ADMIN.transfer, { id: wanted });
  for (;;) {
    const view = await viewOf({ ...access, timeout: Math.max(1, over - performance.now()) });
    if (view.hasLeader && view.leader === wanted) return await done(flags, "transfer", `Member ${flags.id} leads`);
    if (performance.now() >= over) {
      const who = view.hasLeader ? `member ${view.leader} leads` : "nobody leads";
      throw new CliError("failed", `handed over, but after ${formatDuration(flags.timeout)} ${who}: ask again`);
    }
    await pause(POLL_MS);
  }
}
