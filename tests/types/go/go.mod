module example.com/check

go 1.19

require github.com/ServiceStack/servicestack-go v0.0.0

replace github.com/ServiceStack/servicestack-go => ./servicestack-go
