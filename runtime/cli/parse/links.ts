/** @file Links between devices as text: `10GB/s,20us;0-1=1GB/s,1ms;1>2=500MB/s`. */
import type { DirectedLink, LinkSpec } from "../../../compiler/profile/profile.js";
import { unreadable } from "./text.js";
import { parseLink } from "./units.js";

/** What the user says of links. */
export interface LinkRequest {
  /** Between devices that no other entry names. Undefined: the default. */
  readonly link?: LinkSpec;
  readonly links: readonly DirectedLink[];
}

const EXPECTED =
  "a link, such as 10GB/s,20us, and links of pairs, such as 0-1=1GB/s,1ms (both ways) or 1>0=1GB/s (one way)";

/** `RATE,LATENCY` for all, then `A-B=RATE,LATENCY` for a pair of devices or `A>B=…` for one way, joined by ";". */
export function parseLinks(text: string): LinkRequest {
  let link: LinkSpec | undefined;
  const links: DirectedLink[] = [];
  for (const part of text.split(";").map((entry) => entry.trim())) {
    const pair = /^(\d+)([->])(\d+)=(.+)$/.exec(part);
    if (!pair) {
      if (link !== undefined || part.includes("=")) throw unreadable(text, EXPECTED);
      link = parseLink(part);
      continue;
    }
    const [from, to, own] = [Number(pair[1]), Number(pair[3]), parseLink(pair[4]!)];
    if (from === to) throw unreadable(text, EXPECTED);
    links.push({ from, to, ...own });
    if (pair[2] === "-") links.push({ from: to, to: from, ...own });
  }
  return { ...(link && { link }), links };
}
