package postgres

import (
	"strconv"
	"strings"
)

// conditions makes a query of those that are asked for, so that each has a plan of
// its own.
type conditions struct {
	where []string
	args  []any
}

// add adds one on a value, which ? stands for.
func (c *conditions) add(condition string, value any) {
	c.args = append(c.args, value)
	c.where = append(c.where, strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(c.args))))
}

func (c *conditions) clause() string { return ` WHERE ` + strings.Join(c.where, ` AND `) }

// page is a query of head for the first so many in their order.
func (c *conditions) page(head, order string, limit int) string {
	c.args = append(c.args, limit)
	return head + c.clause() + ` ORDER BY ` + order + ` LIMIT $` + strconv.Itoa(len(c.args))
}
