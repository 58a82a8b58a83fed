// Package seal keeps data unreadable where it lies: AES-256-GCM under keys that
// are derived, one for each purpose, from the key file of the edge.
//
// What is sealed for one purpose, or with other associated data, does not open:
// callers bind a record to its place by giving the place as associated data.
// The format names its version, so that it can change. The same derivation
// gives keyed pseudonyms: equal for equal input, and nothing without the key.
//
// A [Permutation] hides values so that equal ones stay equal and can be found
// again. Data keys of a store are wrapped by the key file's key ([Wrapper]) or by
// a program ([Command]).
//
// A key never prints, whatever the verb. The package knows no records and no
// databases.
//
// Start reading at key.go, then box.go.
package seal
