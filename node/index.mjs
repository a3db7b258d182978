// The same functions for `import`: one copy of the package's state, whichever way a program and its libraries load it.

import aye from './index.js'

export const {
  ready, status, stopping, reloading, notify, mainPid, errno, extendTimeout, extendTimeoutWhile, barrier, watchdog,
  listenFds, storeFd, removeFd, booted, transport,
} = aye
export default aye
