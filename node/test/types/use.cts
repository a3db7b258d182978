// The types under `require`. Compiled by pack/types.test.mjs.

import aye = require('aye')

const handed: boolean = aye.ready('up') && aye.watchdog.start()
export const fds: aye.ListenFd[] = aye.listenFds()
export { handed }

// @ts-expect-error there is no default export to require
aye.default
