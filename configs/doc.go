// Package configs reads the edge's configuration file into typed values.
//
// [Load] either returns a whole, valid [Config] or [Faults]: every fault of the
// file at once, each with file, line, key and what was expected. Nothing is
// ignored: unknown and repeated keys, wrong types, contradictions and keys whose
// feature this version does not have are faults. What the file leaves out has
// the default that the field's comment names.
//
// A fault never quotes a value, since any value may be a secret or a number. It
// names keys, and the names of carriers and tenants, which are metric labels.
// Secrets have types that print as "***" however they are printed.
//
// YAML anchors, aliases, merge keys and tags are refused: each line says what
// it means, and no file can unfold into more than its size. Files are at most
// 4 MiB.
//
// The package opens no socket and reads no clock. cmd converts its types into
// the other packages' own Config types.
//
// Start reading at config.go for the keys and at load.go for how they are read;
// check.go and its neighbours hold the contradictions, unavailable.go the keys
// of later versions. docs/configuration.md is the reference made from it all.
package configs
