// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";

/**
 * The scripts of one node (`postgres-redis.md` 4.6). Each touches one key, writes at most once, and writes last: a
 * script is atomic but is not undone by an error. Epochs are 32 hex digits and are compared as four numbers of 32
 * bits, because the numbers of Lua are doubles and its `<` on strings follows the locale.
 */
export interface LuaScript {
  readonly name: string;
  readonly text: string;
  readonly sha: string;
}

const COMPARE = `local function cmp(a,b)
  for i=1,25,8 do
    local x,y=tonumber(string.sub(a,i,i+7),16),tonumber(string.sub(b,i,i+7),16)
    if x~=y then return x<y and -1 or 1 end
  end
  return 0
end
`;

/** The id of the run that executes the script, whatever a connection may have been told before. */
const THIS_RUN = `local run=string.match(redis.call('INFO','server'),'run_id:(%x+)')
`;

const PRELUDE = `local k=KEYS[1]
${COMPARE}local f=redis.call('HMGET',k,'v','cid','nid','p','hw','b','lx','ttl','h','hid','cl','rid')
if not f[1] then return {'EMPTY'} end
if f[1]~='1' then return {'VERSION',f[1]} end
if f[2]~=ARGV[1] or f[3]~=ARGV[2] then return {'ALIEN',f[2],f[3]} end
if ARGV[3]~='' then
  ${THIS_RUN}  if f[12]~=run or f[12]~=ARGV[3] then return {'RESTARTED',f[12]} end
end
local p,hw,b,lx,ttl=f[4],f[5],tonumber(f[6]),tonumber(f[7]),tonumber(f[8])
local t=redis.call('TIME')
local n=tonumber(t[1])*1000+math.floor(tonumber(t[2])/1000)
local left=lx-n
if left>ttl then left=ttl end
if left<0 then left=0 end
`;

/** ARGV 1 cluster id, 2 node id, 3 run id, or '' where restarts are trusted. Replies OK p hw b left ttl h hid cl. */
export const STATUS: LuaScript = script(
  "STATUS",
  `${PRELUDE}return {'OK',p,hw,f[6],tostring(left),f[8],f[9],f[10],f[11]}`,
);

/** Also 4 epoch, 5 holder, 6 endpoint. Replies OK p hw b cl hid ''|dup as before this call; STALE p; LEASED p left h. */
export const PREPARE: LuaScript = script(
  "PREPARE",
  `${PRELUDE}local c=cmp(ARGV[4],p)
if c<0 or (c==0 and f[10]~=ARGV[5]) then return {'STALE',p} end
if c==0 then return {'OK',p,hw,f[6],f[11],f[10],'dup'} end
if left>0 and f[10]~=ARGV[5] and f[11]~=p then return {'LEASED',p,tostring(left),f[9]} end
redis.call('HSET',k,'p',ARGV[4],'hid',ARGV[5],'h',ARGV[6],
  'b',string.format('%.0f',b+1),'lx',string.format('%.0f',n+ttl))
return {'OK',p,hw,f[6],f[11],f[10],''}`,
);

/** Also 4 epoch, 5 holder, 6 endpoint, 7 high-water ('0' renews). Replies OK hw; FENCED p h; RANGE. */
export const PERSIST: LuaScript = script(
  "PERSIST",
  `${PRELUDE}local c=cmp(ARGV[4],p)
if c<0 or (c==0 and f[10]~=ARGV[5]) then return {'FENCED',p,f[9]} end
local v=string.match(ARGV[7],'^%d+$') and tonumber(ARGV[7])
if not v or v>70368744177663 then return {'RANGE'} end
local out=hw
if v>tonumber(hw) then out=string.format('%.0f',v) end
redis.call('HSET',k,'p',ARGV[4],'hid',ARGV[5],'h',ARGV[6],'hw',out,
  'b',string.format('%.0f',b+1),'lx',string.format('%.0f',n+ttl))
return {'OK',out}`,
);

/** Also 4 epoch, 5 holder, 6 '1' for clean. Replies OK; FENCED p. */
export const RELEASE: LuaScript = script(
  "RELEASE",
  `${PRELUDE}if cmp(ARGV[4],p)~=0 or f[10]~=ARGV[5] then return {'FENCED',p} end
redis.call('HSET',k,'lx','0','b',string.format('%.0f',b+1),'cl',ARGV[6]=='1' and p or f[11])
return {'OK'}`,
);

/** ARGV 1 nonce. Replies OK; EXISTS. */
export const CLAIM: LuaScript = script(
  "CLAIM",
  `if redis.call('HEXISTS',KEYS[1],'v')==1 then return {'EXISTS'} end
redis.call('HSET',KEYS[1],'pend',ARGV[1])
return {'OK'}`,
);

/**
 * ARGV 1 nonce, 2 cluster id, 3 node id, 4 run id, 5 epoch, 6 holder, 7 endpoint, 8 high-water, 9 tenure, 10 n,
 * 11 freshness, 12 drift in ppm, 13 whether restarts are trusted. Replies OK; EXISTS; LOST.
 */
export const ADMIT: LuaScript = script(
  "ADMIT",
  `local k=KEYS[1]
if redis.call('HEXISTS',k,'v')==1 then return {'EXISTS'} end
if redis.call('HGET',k,'pend')~=ARGV[1] then return {'LOST'} end
redis.call('HSET',k,'v','1','cid',ARGV[2],'nid',ARGV[3],'rid',ARGV[4],'p',ARGV[5],'hid',ARGV[6],'h',ARGV[7],'hw',ARGV[8],
 'ttl',ARGV[9],'n',ARGV[10],'fm',ARGV[11],'rs',ARGV[12],'tr',ARGV[13],'b','1','lx','0','cl',string.rep('0',32),'pend','')
return {'OK'}`,
);

/** What the scripts on a restarted node check first; ARGV 1 cluster id, 2 node id, 3 its run id now. */
const RESTARTED_PRELUDE = `local k=KEYS[1]
${COMPARE}local f=redis.call('HMGET',k,'v','cid','nid','p','hw','b','pend','h','hid','rid')
if not f[1] then return {'EMPTY'} end
if f[1]~='1' then return {'VERSION',f[1]} end
if f[2]~=ARGV[1] or f[3]~=ARGV[2] then return {'ALIEN',f[2],f[3]} end
if f[10]==ARGV[3] then return {'EXISTS'} end
${THIS_RUN}if run~=ARGV[3] then return {'LOST'} end
`;

/** Also 4 nonce. Claims a node that has restarted where restarts are not trusted. Replies OK; EXISTS; LOST. */
export const CLAIM_RESTARTED: LuaScript = script(
  "CLAIM_RESTARTED",
  `${RESTARTED_PRELUDE}redis.call('HSET',k,'pend',ARGV[4])
return {'OK'}`,
);

/**
 * Also 4 nonce, 5 epoch, 6 holder, 7 endpoint, 8 high-water. Keeps what the node has and only raises it. Replies OK;
 * EXISTS; LOST; RANGE.
 */
export const READMIT: LuaScript = script(
  "READMIT",
  `${RESTARTED_PRELUDE}if f[7]~=ARGV[4] then return {'LOST'} end
local v=string.match(ARGV[8],'^%d+$') and tonumber(ARGV[8])
if not v or v>70368744177663 then return {'RANGE'} end
local p,hw,hid,h=f[4],f[5],f[9],f[8]
if cmp(ARGV[5],p)>0 then p,hid,h=ARGV[5],ARGV[6],ARGV[7] end
if v>tonumber(hw) then hw=string.format('%.0f',v) end
redis.call('HSET',k,'p',p,'hid',hid,'h',h,'hw',hw,'b',string.format('%.0f',tonumber(f[6])+1),'lx','0','rid',ARGV[3],'pend','')
return {'OK'}`,
);

/** Also 4 the run id that the node was trusted under. An operator's word that its data is whole. Replies OK; EXISTS; LOST. */
export const TRUST: LuaScript = script(
  "TRUST",
  `${RESTARTED_PRELUDE}if f[10]~=ARGV[4] then return {'LOST'} end
redis.call('HSET',k,'b',string.format('%.0f',tonumber(f[6])+1),'lx','0','rid',ARGV[3],'pend','')
return {'OK'}`,
);

/**
 * ARGV 1 the cluster id that was seen or '', 2 the epoch, 3 the beat; then 4 cluster id, 5 node id, 6 run id, 7 epoch,
 * 8 high-water, 9 tenure, 10 n, 11 freshness, 12 drift in ppm, 13 whether restarts are trusted. Puts a new register in the
 * place of the one that was seen. Replies OK; LOST if another stands there now, or somebody has written to it since.
 */
export const REINIT: LuaScript = script(
  "REINIT",
  `local k=KEYS[1]
local f=redis.call('HMGET',k,'cid','p','b')
for i=1,3 do if (f[i] or '')~=ARGV[i] then return {'LOST'} end end
redis.call('HSET',k,'v','1','cid',ARGV[4],'nid',ARGV[5],'rid',ARGV[6],'p',ARGV[7],'hid','','h','','hw',ARGV[8],
 'ttl',ARGV[9],'n',ARGV[10],'fm',ARGV[11],'rs',ARGV[12],'tr',ARGV[13],'b','1','lx','0','cl',string.rep('0',32),'pend','')
return {'OK'}`,
);

function script(name: string, text: string): LuaScript {
  return Object.freeze({ name, text, sha: createHash("sha1").update(text).digest("hex") });
}
