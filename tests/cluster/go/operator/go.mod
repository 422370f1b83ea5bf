// A small admission webhook on package repositories, as an operator of former days would run it.
module frit.test/operator-webhook

go 1.21
