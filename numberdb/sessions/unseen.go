package sessions

import (
	"context"
	"errors"
	"reflect"

	"maskline/numberdb"
)

// seeLater remembers the reply slots of a session that a change could not change with
// it: their own commits were answered with doubt, and the table does not follow.
func (o *Owner) seeLater(d doubt, err error) {
	if len(d.unseen) > 0 && (err == nil || errors.Is(err, numberdb.ErrNotYetRouted) || errors.Is(err, numberdb.ErrOutcomeUnknown)) {
		o.doubtful.add(d)
	}
}

// settleUnseen gives slots that have come to light the times of their session.
func (o *Owner) settleUnseen(ctx context.Context, d *doubt) error {
	done, err := o.alone(ctx, d.session)
	if err != nil {
		return err
	}
	defer done()
	s, err := o.Get(ctx, numberdb.AnyTenant, d.session)
	if errors.Is(err, ErrNoSession) {
		return nil // it is over, and so are its masks
	}
	if err == nil {
		err = o.catchUp(ctx)
	}
	if err != nil {
		return err
	}
	expires, keep := s.Expires, s.Keep
	if d.stood != nil && !reflect.DeepEqual(s.Participants, d.stood.Participants) && d.since.Before(s.Expires) {
		expires, keep = d.since, d.since.Add(max(0, s.Keep.Sub(s.Expires))) // rotated away
	}
	writes := numberdb.Writes{Sessions: []numberdb.Session{s}} // whoever changes it meanwhile meets a conflict
	for _, key := range d.unseen {
		b, found := o.bound(key)
		if found && b.Session == s.ID && b.Live(o.now()) && !b.Expires.Equal(expires) {
			b.Expires, b.Keep = expires, keep
			writes.Bindings = append(writes.Bindings, numberdb.Change{Binding: b})
		}
	}
	if len(writes.Bindings) == 0 {
		return nil
	}
	if err := o.commit(ctx, writes); err != nil && !errors.Is(err, numberdb.ErrNotYetRouted) {
		return err
	}
	return nil
}
