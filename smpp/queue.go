package smpp

// queue is a list of messages, linked through themselves.
type queue struct {
	head, tail *message
	length     int
}

func (q *queue) push(m *message) {
	m.prev, m.next = q.tail, nil
	if q.tail == nil {
		q.head = m
	} else {
		q.tail.next = m
	}
	q.tail = m
	q.length++
}

func (q *queue) pushFront(m *message) {
	m.prev, m.next = nil, q.head
	if q.head == nil {
		q.tail = m
	} else {
		q.head.prev = m
	}
	q.head = m
	q.length++
}

// insert puts m before the first message that came later.
func (q *queue) insert(m *message) {
	after := q.head
	for after != nil && after.order < m.order {
		after = after.next
	}
	switch {
	case after == nil:
		q.push(m)
	case after.prev == nil:
		q.pushFront(m)
	default:
		m.prev, m.next = after.prev, after
		after.prev.next, after.prev = m, m
		q.length++
	}
}

func (q *queue) remove(m *message) {
	if m.prev == nil {
		q.head = m.next
	} else {
		m.prev.next = m.next
	}
	if m.next == nil {
		q.tail = m.prev
	} else {
		m.next.prev = m.prev
	}
	m.next, m.prev = nil, nil
	q.length--
}

// takeIf moves the messages that leave is true for to the end of out.
func (q *queue) takeIf(out *queue, leave func(*message) bool) {
	for m := q.head; m != nil; {
		next := m.next
		if leave(m) {
			q.remove(m)
			out.push(m)
		}
		m = next
	}
}

// takeAll empties the queue; the messages are linked by next.
func (q *queue) takeAll() *message {
	head := q.head
	*q = queue{}
	return head
}
