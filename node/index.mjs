// The same functions for `import`: one copy of the package's state, whichever way a program and its libraries load it.

import aye from './index.js'

export const { ready, status, stopping, reloading, notify, watchdog, listenFds, transport } = aye
export default aye
