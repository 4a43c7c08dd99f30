import { execFileSync } from "node:child_process";
import { userInfo } from "node:os";

export interface DovecotLayout {
  readonly dir: string;
  /** For IMAP. */
  readonly port: number;
  readonly pop3Port: number;
  readonly certFile: string;
  readonly keyFile: string;
  /** Beside {@link exchangeCapabilities}. */
  readonly hasCondStore?: boolean;
}

/**
 * What Exchange Online offers after login, as observed by many clients: no CONDSTORE, QRESYNC, ENABLE, ESEARCH, SPECIAL-USE or
 * COMPRESS. Offering Dovecot's own list would hide every fault that shows only on Exchange.
 */
const exchangeCapabilities = "IMAP4rev1 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+";

/** The issuer in the tokens that {@link dovecotOauthConfig} accepts. */
export const tokenIssuer = "https://mailfleet-test.example/";
/** The `kid` of the key that signs them. */
export const tokenKeyId = "test";

/** dovecot.conf for Dovecot 2.3: IMAP and POP3, XOAUTH2 only, TLS only, loopback only, everything under `dir`. */
export function dovecotConfig(layout: DovecotLayout): string {
  const { dir, port, pop3Port } = layout;
  const users = dovecotUsers();
  return `
base_dir = ${dir}/run
state_dir = ${dir}/state
log_path = /dev/stderr
protocols = imap pop3
listen = 127.0.0.1
default_internal_user = ${users.internal}
default_internal_group = ${users.internalGroup}
default_login_user = ${users.login}
first_valid_uid = 1
last_valid_uid = 0
first_valid_gid = 1
last_valid_gid = 0

ssl = required
ssl_cert = <${layout.certFile}
ssl_key = <${layout.keyFile}
ssl_min_protocol = TLSv1.2

auth_mechanisms = xoauth2
auth_cache_size = 0
auth_failure_delay = 0
auth_worker_max_count = 4
# Two lookups, both must agree: the mailbox exists, and the token opens it.
passdb {
  driver = dict
  args = ${dir}/users.conf
  mechanisms = xoauth2
  result_success = continue-fail
  result_failure = return-fail
}
passdb {
  driver = oauth2
  mechanisms = xoauth2
  args = ${dir}/oauth2.conf
}
userdb {
  driver = static
  args = uid=${users.mailUid} gid=${users.mailGid} home=${dir}/mail/%d/%n allow_all_users=yes
  result_success = continue-ok
}
# Settings of this mailbox alone, such as the form of its UIDLs.
userdb {
  driver = dict
  args = ${dir}/users.conf
  result_failure = continue
}

mail_location = maildir:~/folders:INBOX=~/inbox:LAYOUT=fs:UTF-8
namespace inbox {
  inbox = yes
  separator = /
  prefix =
}
mail_fsync = never
maildir_very_dirty_syncs = no
mail_max_userip_connections = 0
imap_capability = ${exchangeCapabilities}${layout.hasCondStore === true ? " CONDSTORE ENABLE" : ""}

default_vsz_limit = 512M
# One login process takes all connections; a mail process serves one after the other.
service imap-login {
  ${users.isRoot ? "" : "chroot ="}
  service_count = 0
  process_min_avail = 1
  process_limit = 2
  client_limit = 500
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = ${port}
    ssl = yes
  }
}
service imap {
  service_count = 200
  process_limit = 200
}
service pop3-login {
  ${users.isRoot ? "" : "chroot ="}
  service_count = 0
  process_min_avail = 1
  process_limit = 2
  client_limit = 500
  inet_listener pop3 {
    port = 0
  }
  inet_listener pop3s {
    port = ${pop3Port}
    ssl = yes
  }
}
service pop3 {
  service_count = 200
  process_limit = 200
}
service anvil {
  ${users.isRoot ? "" : "chroot ="}
  # Else each refused login makes the next one slower, up to 17 s.
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  ${users.isRoot ? "" : "chroot ="}
  client_limit = 1000
}
`;
}

/**
 * `username_format = %d` compares only the domains of token and login name. That is app-only access: one token opens every mailbox of
 * its tenant and none of another.
 */
export function dovecotOauthConfig(dir: string): string {
  return `
introspection_mode = local
local_validation_key_dict = fs:posix:prefix=${dir}/keys/
issuers = ${tokenIssuer}
username_attribute = upn
username_format = %d
`;
}

/** One file per mailbox, not one passwd-file: Dovecot looks at a passwd-file at most once a second, so a new mailbox would be refused. */
export function dovecotUsersConfig(dir: string): string {
  return `
uri = fs:posix:prefix=${dir}/users/
iterate_disable = yes
key passdb {
  key = %u
  format = json
}
passdb_objects = passdb
key userdb {
  key = %u
  format = json
}
userdb_objects = userdb
`;
}

/**
 * What POP3 calls a message: `opaque` is Dovecot's own way, UID and UIDVALIDITY as 16 hexadecimal digits; `decimal` is the IMAP UID in
 * decimal digits, as Exchange has it.
 */
export type UidlStyle = "opaque" | "decimal";

const uidlFormats: Readonly<Record<UidlStyle, string>> = { opaque: "%08Xu%08Xv", decimal: "%u" };

/** The content of such a file: any password will do, because the token is judged by the next lookup. */
export function dovecotUserEntry(uidls: UidlStyle): string {
  return JSON.stringify({ nopassword: "y", pop3_uidl_format: uidlFormats[uidls] });
}

export interface DovecotUsers {
  readonly isRoot: boolean;
  readonly internal: string;
  readonly internalGroup: string;
  readonly login: string;
  readonly mailUid: number;
  readonly mailGid: number;
}

/** Dovecot refuses to open mail as root, and an ordinary user can only be himself. */
export function dovecotUsers(): DovecotUsers {
  const { uid, gid, username } = userInfo();
  if (uid === 0)
    return { isRoot: true, internal: "dovecot", internalGroup: "dovecot", login: "dovenull", mailUid: 65_534, mailGid: 65_534 };
  return { isRoot: false, internal: username, internalGroup: groupName(), login: username, mailUid: uid, mailGid: gid };
}

/** Dovecot takes a group only by name, and Node knows only its number. */
function groupName(): string {
  return execFileSync("id", ["-gn"], { encoding: "utf8" }).trim();
}
