// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";

/**
 * The scripts of one node. Each is one atomic step: it looks at everything that may refuse it first and writes last,
 * because a script is not undone by an error. Ballots are digits of one width and are compared in pieces that a double
 * holds exactly; owners, epochs and next numbers are compared as text.
 *
 * `KEYS` 1 the node's mark, 2 the session's copy, 3 its entries. `ARGV` 1 cluster, 2 node, 3 run of the server.
 */
export interface LuaScript {
  readonly name: string;
  readonly text: string;
  readonly sha: string;
}

const COMPARE = `local function cmp(a,b)
  for i=1,#a,10 do
    local x,y=tonumber(string.sub(a,i,i+9),10),tonumber(string.sub(b,i,i+9),10)
    if x~=y then return x<y and -1 or 1 end
  end
  return 0
end
`;

const MARK = `${COMPARE}local m=redis.call('HMGET',KEYS[1],'v','cid','nid','tr','rid','floor','st')
if not m[1] then return {'EMPTY'} end
if m[1]~='1' then return {'VERSION',m[1]} end
if m[2]~=ARGV[1] or m[3]~=ARGV[2] then return {'ALIEN'} end
if m[4]=='never' and m[5]~=ARGV[3] then return {'RESTARTED'} end
local votes=m[7]=='whole' and '1' or '0'
`;

const COPY = `${MARK}local s=redis.call('HMGET',KEYS[2],'pb','ab','rev','hd','ep','ow','nx')
local none=string.rep('0',60)
local pb,ab,rev=s[1] or none,s[2] or none,s[3] or '0'
`;

/** Also 4 ballot: for all that write. A node takes nothing below its floor or its promise. */
const GATE = `${COPY}local b=ARGV[4]
if cmp(string.sub(b,1,20),m[6])<0 then return {'FLOOR',m[6]} end
if cmp(b,pb)<0 then return {'PROMISED',pb} end
`;

/** Replies HEAD votes floor promised accepted rev head. */
export const READ: LuaScript = script("READ", `${COPY}return {'HEAD',votes,m[6],pb,ab,rev,s[4] or ''}`);

/** Also 4 ballot, 5 another or '', 6 revision or ''. Replies CONTENT rev head snapshot entries; MOVED. */
export const CONTENT: LuaScript = script(
  "CONTENT",
  `${COPY}if (ab~=ARGV[4] and ab~=ARGV[5]) or (ARGV[6]~='' and rev~=ARGV[6]) then return {'MOVED'} end
return {'CONTENT',rev,s[4] or '',redis.call('HGET',KEYS[2],'sn') or '',redis.call('HGETALL',KEYS[3])}`,
);

/** Replies HEAD as READ. */
export const PROMISE: LuaScript = script(
  "PROMISE",
  `${GATE}if b==pb then return {'PROMISED',pb} end
redis.call('HSET',KEYS[2],'pb',b)
return {'HEAD',votes,m[6],b,ab,rev,s[4] or ''}`,
);

/** Also 5 the ballot of the copy, 6 its revision. Replies OK votes; LAG. */
export const ADOPT: LuaScript = script(
  "ADOPT",
  `${GATE}if ab==b then return {'OK',votes} end
if ab~=ARGV[5] or rev~=ARGV[6] then return {'LAG'} end
redis.call('HSET',KEYS[2],'pb',b,'ab',b,'rev',rev)
return {'OK',votes}`,
);

/** Also 5 revision, 6 head or '', 7 epoch, 8 owner, 9 next, 10 snapshot, then numbers and entries. Replies OK votes. */
export const INSTALL: LuaScript = script(
  "INSTALL",
  `${GATE}if ab==b and tonumber(rev)>=tonumber(ARGV[5]) then return {'OK',votes} end
redis.call('DEL',KEYS[2],KEYS[3])
redis.call('HSET',KEYS[2],'pb',b,'ab',b,'rev',ARGV[5])
if ARGV[6]~='' then
  redis.call('HSET',KEYS[2],'hd',ARGV[6],'ep',ARGV[7],'ow',ARGV[8],'nx',ARGV[9],'sn',ARGV[10])
end
for i=11,#ARGV,2 do redis.call('HSET',KEYS[3],ARGV[i],ARGV[i+1]) end
return {'OK',votes}`,
);

/**
 * Also 5 revision, 6 to 9 head, epoch, owner and next after it, 10 to 12 epoch, owner and next before it or '', 13 number of
 * an entry or '', 14 entry, 15 '1' with a snapshot, 16 snapshot, then pairs of numbers between which entries go. Replies
 * OK votes; LAG; BROKEN.
 */
export const ACCEPT: LuaScript = script(
  "ACCEPT",
  `${GATE}if ab==b and tonumber(rev)>=tonumber(ARGV[5]) then return {'OK',votes} end
if ab~=b or tonumber(rev)+1~=tonumber(ARGV[5]) then return {'LAG'} end
if (s[5] or '')~=ARGV[10] or (s[6] or '')~=ARGV[11] then return {'BROKEN','has another owner than its revision says'} end
if (s[7] or '')~=ARGV[12] then return {'BROKEN','has another next number than its revision says'} end
redis.call('HSET',KEYS[2],'pb',b,'rev',ARGV[5],'hd',ARGV[6],'ep',ARGV[7],'ow',ARGV[8],'nx',ARGV[9])
if ARGV[13]~='' then redis.call('HSET',KEYS[3],ARGV[13],ARGV[14]) end
if ARGV[15]=='1' then redis.call('HSET',KEYS[2],'sn',ARGV[16]) end
for i=17,#ARGV,2 do
  for n=tonumber(ARGV[i]),tonumber(ARGV[i+1]) do redis.call('HDEL',KEYS[3],string.format('%.0f',n)) end
end
return {'OK',votes}`,
);

/** Also 4 floor. From now on, whichever session it is asked for, the node takes nothing below it. Replies OK votes. */
export const FLOOR: LuaScript = script(
  "FLOOR",
  `${MARK}if cmp(ARGV[4],m[6])>0 then redis.call('HSET',KEYS[1],'floor',ARGV[4]) end
return {'OK',votes}`,
);

/** ARGV 1 cluster, 2 node, 3 run, 4 nodes, 5 trust in restarts. Replies OK; EXISTS cluster. */
export const INIT: LuaScript = script(
  "INIT",
  `if redis.call('EXISTS',KEYS[1])==1 then return {'EXISTS',redis.call('HGET',KEYS[1],'cid') or ''} end
redis.call('HSET',KEYS[1],'v','1','cid',ARGV[1],'nid',ARGV[2],'rid',ARGV[3],'n',ARGV[4],'tr',ARGV[5],
 'floor',string.rep('0',20),'st','whole','adm','')
return {'OK'}`,
);

/**
 * ARGV 1 cluster, 2 new node, 3 run, 4 nodes, 5 trust, 6 floor, 7 mark of the admission, 8 that of the one before, as it was
 * seen: of several that begin at one time one does. Begins to fill a node that is empty, has restarted where that is not
 * trusted, or whose filling was given up. Replies OK; EXISTS; ALIEN; BUSY.
 */
export const BEGIN: LuaScript = script(
  "BEGIN",
  `local m=redis.call('HMGET',KEYS[1],'v','cid','tr','rid','st','adm')
if m[1] then
  if m[2]~=ARGV[1] then return {'ALIEN'} end
  if (m[6] or '')~=ARGV[8] then return {'BUSY'} end
  if m[5]=='whole' and not (m[3]=='never' and m[4]~=ARGV[3]) then return {'EXISTS'} end
end
redis.call('HSET',KEYS[1],'v','1','cid',ARGV[1],'nid',ARGV[2],'rid',ARGV[3],'n',ARGV[4],'tr',ARGV[5],
 'floor',ARGV[6],'st','filling','adm',ARGV[7])
return {'OK'}`,
);

/**
 * ARGV 1 mark of the admission, 2 run, 3 '1' that it goes on, or '0' that it was given up. Others see it, and leave the node
 * alone or begin anew. Replies OK; LOST.
 */
export const PROGRESS: LuaScript = script(
  "PROGRESS",
  `local m=redis.call('HMGET',KEYS[1],'st','adm','rid')
if m[1]~='filling' or m[2]~=ARGV[1] or m[3]~=ARGV[2] then return {'LOST'} end
if ARGV[3]=='1' then redis.call('HINCRBY',KEYS[1],'bt',1) else redis.call('HSET',KEYS[1],'adm','') end
return {'OK'}`,
);

/** ARGV 1 mark of the admission, 2 run, 3 floor. Gives the node its vote, under at least that floor. Replies OK; LOST. */
export const FINISH: LuaScript = script(
  "FINISH",
  `${COMPARE}local m=redis.call('HMGET',KEYS[1],'st','adm','rid','floor')
if m[1]~='filling' or m[2]~=ARGV[1] or m[3]~=ARGV[2] then return {'LOST'} end
redis.call('HSET',KEYS[1],'st','whole','floor',cmp(ARGV[3],m[4])>0 and ARGV[3] or m[4])
return {'OK'}`,
);

/** ARGV 1 node, 2 run. An operator's word that what a restarted node has on its disk is whole. Replies OK; LOST. */
export const TRUST: LuaScript = script(
  "TRUST",
  `local m=redis.call('HMGET',KEYS[1],'nid','st')
if m[1]~=ARGV[1] or m[2]~='whole' then return {'LOST'} end
redis.call('HSET',KEYS[1],'rid',ARGV[2])
return {'OK'}`,
);

function script(name: string, text: string): LuaScript {
  return Object.freeze({ name, text, sha: createHash("sha1").update(text).digest("hex") });
}
