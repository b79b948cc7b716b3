module example.com/tokenclient

go 1.21
