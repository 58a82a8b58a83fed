package main

import (
	"cmp"

	"maskline/configs"
	"maskline/numberdb/sessions"
	"maskline/seal"
)

// sessionsConfig is what the lifecycle section says.
func sessionsConfig(cfg *configs.Config, key *seal.Key) sessions.Config {
	return sessions.Config{
		Seed: key.Permutation("allocation").Digest(nil),
		TTL:  cfg.Lifecycle.TTL, MaxTTL: cmp.Or(cfg.Lifecycle.MaxTTL, noLimit),
		Quarantine: cfg.Lifecycle.Quarantine, Parties: cfg.Lifecycle.PartiesPerMask,
	}
}
