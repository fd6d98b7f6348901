// SPDX-License-Identifier: Apache-2.0
import { appendFileSync } from "node:fs";
import { setTimeout as rest } from "node:timers/promises";
import { createClient } from "@tsoracle/client";
import pg from "pg";
import { Ledger } from "./ledger.ts";

export interface WriterSettings {
  readonly oracle: string;
  readonly url: string;
}

const REST_MS = 5;

const { name, diary, oracle, url } = JSON.parse(process.argv[2] ?? "") as WriterSettings & {
  readonly name: string;
  readonly diary: string;
};
const note = (line: string): void => appendFileSync(diary, `${line}\n`);

await using client = createClient({ endpoints: [oracle] });
const database = new pg.Client({ connectionString: url });
await database.connect();
const ledger = new Ledger(database);
console.log("ready");

// Greater than every timestamp that anybody got before, so that this claim supersedes every earlier one.
const epoch = (await client.getTs()).value;
const claim = await ledger.claim({ epoch, owner: name });
if (claim === undefined) throw new Error("somebody claimed the ledger later and was faster; ask for another timestamp");
note(`owns it under epoch ${epoch}`);

// It believes that it owns the ledger until a write says otherwise.
for (let count = 1; ; count += 1) {
  const text = `${name} ${epoch} ${count}`;
  const number = await ledger.write(claim, text);
  if (number === undefined) break;
  note(`wrote ${number} ${text}`);
  await rest(REST_MS);
}
const holder = await ledger.holder();
note(`refused, ${holder.owner} owns it under epoch ${holder.epoch}`);
await database.end();
