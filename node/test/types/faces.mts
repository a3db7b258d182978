// The types of `import` and of `require` are the same ones, and the default export of `import` is what `require` gives.

import type * as imported from 'aye' with { 'resolution-mode': 'import' }
import type * as required from 'aye' with { 'resolution-mode': 'require' }
import type * as importedSd from 'aye/sd-notify' with { 'resolution-mode': 'import' }
import type * as requiredSd from 'aye/sd-notify' with { 'resolution-mode': 'require' }

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false
type Face<T> = { [Name in Exclude<keyof T, 'default'>]: T[Name] }

export const faces: [
  Same<Face<typeof imported>, Face<typeof required>>,
  Same<Face<typeof imported.default>, Face<typeof required>>,
  Same<Face<typeof importedSd>, Face<typeof requiredSd>>,
] = [true, true, true]
