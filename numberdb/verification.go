package numberdb

// Prefixes of the text forms of their IDs.
const (
	VerificationPrefix = "ver_"
	WorkflowPrefix     = "wfl_"
)
