package postgres

import (
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// SQLSTATEs that are worth another try: the transaction was rolled back for
// what another one did.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

// SQLSTATEs of maskline.all_written.
const (
	bindingTaken   = "MK001"
	attemptTaken   = "MK002"
	sessionChanged = "MK003"
)

// ServerError is a refusal by the server.
type ServerError struct {
	State      string // SQLSTATE
	Constraint string // that was violated, if any
	Message    string // the server's text where it cannot hold values of rows
}

// Error never holds a value of a row.
func (e *ServerError) Error() string {
	text := "postgres refused, SQLSTATE " + e.State
	if e.Constraint != "" {
		text += ", constraint " + e.Constraint
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

func (e *ServerError) retry() bool {
	return e.State == serializationFailure || e.State == deadlockDetected
}

// refused tells that a failed COMMIT was answered: the transaction was rolled
// back. A FATAL or no answer leaves it open.
func refused(err error) bool {
	var server *pgconn.PgError
	return errors.Is(err, pgx.ErrTxCommitRollback) || errors.As(err, &server) && server.SeverityUnlocalized == "ERROR"
}

// speaking lists the classes of SQLSTATE whose messages tell of connections,
// rights, names and resources, and never of values.
// PostgreSQL documentation, appendix A.
var speaking = []string{"08", "28", "3D", "3F", "42", "53", "55", "57", "58"}

// clean replaces what the server said by a ServerError.
func clean(err error) error {
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return err
	}
	e := &ServerError{State: server.Code, Constraint: server.ConstraintName}
	if len(server.Code) == 5 && slices.Contains(speaking, server.Code[:2]) {
		e.Message = server.Message
	}
	return e
}
