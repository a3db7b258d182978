// The types of `import`: those of index.d.ts, and the same as a default export.

import * as aye from './index.js'

export * from './index.js'
export default aye
