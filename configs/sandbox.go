package configs

import "time"

// Sandbox is where tenants try things with test keys; docs/sandbox.md says what it is.
type Sandbox struct {
	// Whether test keys are served; else they are refused. Default true.
	Enabled bool `key:"enabled" default:"true" live:"true"`
	// Tenants whose sandboxes are open at a time at most; 0: no limit. Default 16.
	Open int `key:"open" default:"16" min:"0" max:"10000" live:"true"`
	// Time after which a sandbox that nobody asks for closes; its files stay; not 0. Default 10m.
	Idle time.Duration `key:"idle" default:"10m" min:"1s" live:"true"`
	// UDP ports of calls in sandboxes, all on 127.0.0.1, from an even to an odd one, four per call; keep them apart from media.ports. Default 9000-9999.
	Ports PortRange `key:"ports" default:"9000-9999"`
}
