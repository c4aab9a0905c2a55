def by_recursion(application, *inputs):
    raise NotImplementedError(application.name)
