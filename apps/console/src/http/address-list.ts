import { BlockList, isIP } from "node:net";

/** Addresses and networks (CIDR), as the configuration has checked them. */
export class AddressList {
  readonly #list = new BlockList();

  constructor(from: readonly string[]) {
    for (const one of from) {
      const [address = "", bits] = one.split("/");
      if (bits === undefined) this.#list.addAddress(address, family(address));
      else this.#list.addSubnet(address, Number(bits), family(address));
    }
  }

  has(address: string | undefined): boolean {
    const plain = plainAddress(address ?? "");
    return isIP(plain) !== 0 && this.#list.check(plain, family(plain));
  }
}

export function isLoopbackAddress(address: string | undefined): boolean {
  const plain = plainAddress(address ?? "");
  return plain === "::1" || (isIP(plain) === 4 && plain.startsWith("127."));
}

/** Who is counted as one where tries are: with an IPv6 address comes a network of 2^64, of which each is as good as the other. */
export function sourceOf(address: string): string {
  const plain = plainAddress(address);
  if (isIP(plain) !== 6) return plain;
  const [before = "", after] = (plain.split("%")[0] ?? "").split("::", 2);
  const [head, tail] = [before.split(":").filter(Boolean), (after ?? "").split(":").filter(Boolean)];
  // A dotted end stands for two groups, and none of the first four.
  const missing = after === undefined ? 0 : Math.max(0, 8 - head.length - tail.length - (plain.includes(".") ? 1 : 0));
  const groups = [...head, ...Array.from({ length: missing }, () => "0"), ...tail];
  return `${groups
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ""))
    .join(":")}::/64`;
}

/** `::ffff:10.0.0.1` of a socket that listens on both. */
function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}

function family(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}
