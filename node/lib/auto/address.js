'use strict'

// Where a server listens, as text for `systemctl status`, and whether it is the server that was asked for. Pure.

/**
 * @param {string | { address?: string | null, port?: number | null, fd?: number | null } | null} where what
 *   `server.address()` gives, or the event `listening` of a cluster, which knows no address when none was asked for
 */
function format(where) {
  if (where === null || where === undefined) return 'a descriptor'
  if (typeof where === 'string') return where === '' ? 'an unnamed socket' : where.replace(/^\0/, '@')
  const { address, port, fd } = where
  if (!(port > 0)) return address || (fd >= 0 && fd !== null ? `descriptor ${fd}` : 'a descriptor')
  if (!address) return `*:${port}`
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** Whether this is the server that `wanted` names by its port or its path; any is, when it names none. */
function matches(where, wanted) {
  if (!wanted) return true
  if (typeof where === 'string') return where === wanted
  return where?.port > 0 ? String(where.port) === wanted : where?.address === wanted
}

module.exports = { format, matches }
