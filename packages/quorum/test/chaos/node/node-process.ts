// SPDX-License-Identifier: Apache-2.0
// One node of the chaos campaign: keeps records in files, serves them on loopback, and, if it has peers, writes to all
// of them. Arguments: the directory, the kind of writer, and the addresses of the peers. Prints its port.
//
// PUT  /stores/S/records/ID  keep a record; the answer comes when it is durable
// POST /stores/S/writes/ID   write a record to the quorum
// POST /stores/S/settle      wait until no send is under way
// GET  /stores/S             the ids that are on the disk
// PUT  /clock-skew           state a time that is so many milliseconds off
import { Agent, createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type QuorumHttpAnswer, quorumHttpAnswer } from "../../../src/index.ts";
import { TIME_HEADER } from "./http-peer.ts";
import { idsOnDisk, RecordFile } from "./record-file.ts";
import { type StoreWriter, type StoreWriterOptions, storeWriter } from "./store-writer.ts";
import type { WriterKind } from "./writer-kind.ts";

interface Store {
  readonly file: RecordFile;
  /** A node without peers has nobody to write to. */
  readonly writer: StoreWriter | undefined;
  skewWarnings: number;
}

const [directory = "", kind = "quorum", ...peers] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });
const stores = new Map<string, Promise<Store>>();
let skewMs = 0;

const pathOf = (name: string): string => join(directory, `${name}.jsonl`);

async function openStore(name: string): Promise<Store> {
  const file = await RecordFile.open(pathOf(name));
  const options: StoreWriterOptions = {
    kind: kind as WriterKind,
    store: name,
    peers,
    agent,
    local: ({ id, value }) => file.append(id, value),
    onWarning: (warning) => {
      if (warning.kind === "clock_skew") store.skewWarnings += 1;
    },
  };
  const writer = peers.length === 0 ? undefined : storeWriter(options);
  const store: Store = { file, writer, skewWarnings: 0 };
  return store;
}

function storeOf(name: string): Promise<Store> {
  const store = stores.get(name) ?? openStore(name);
  stores.set(name, store);
  return store;
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

type Answer = Pick<QuorumHttpAnswer, "headers"> & { readonly status: number; readonly body: unknown };
const answer = (status: number, body: unknown): Answer => ({ status, headers: {}, body });

async function handle(message: IncomingMessage): Promise<Answer> {
  const text = await textOf(message);
  if (message.method === "PUT" && message.url === "/clock-skew") {
    skewMs = Number(text);
    return answer(204, undefined);
  }
  const [, name, action = "", id] =
    /^\/stores\/([\w-]+)(?:\/(records|writes|settle))?(?:\/([\w-]+))?$/.exec(message.url ?? "") ?? [];
  if (name === undefined) return answer(404, { error: "no such resource" });
  if (message.method === "GET") return answer(200, { ids: await idsOnDisk(pathOf(name)) });
  const store = await storeOf(name);
  if (action === "settle") {
    await store.writer?.idle();
    return answer(200, { skewWarnings: store.skewWarnings });
  }
  if (id === undefined) return answer(404, { error: "no id" });
  if (action === "writes") {
    if (store.writer === undefined) return answer(409, { error: "this node has no peers" });
    return quorumHttpAnswer(await store.writer.write({ id, value: text }));
  }
  await store.file.append(id, text);
  return answer(201, { ids: [id] });
}

const server = createServer((message, response) => {
  handle(message)
    .catch((error: unknown) => answer(500, { error: String(error) }))
    .then(({ status, headers, body }) => {
      response.writeHead(status, { ...headers, [TIME_HEADER]: String(Date.now() + skewMs) });
      response.end(body === undefined ? undefined : JSON.stringify(body));
    })
    .catch(() => response.destroy());
});
// A keep-alive connection that is idle is closed by the one who opened it, so that no request meets a closing one.
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`listening on ${(server.address() as AddressInfo).port}\n`);
});
