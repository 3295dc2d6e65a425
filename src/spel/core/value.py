"""Frozen values, and properties that a value computes once without holding them in its fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class Value:
    """Base of the frozen dataclasses: ``vars(value)`` are its fields and nothing else.

    What a `derived_property` has computed is held in a slot beside the fields, so comparing,
    copying and pickling give the same result before and after a value was used.
    """

    __slots__ = ("_derived",)
    _derived: dict[str, Any]

    def __getstate__(self) -> dict[str, Any]:
        return dict(vars(self))


class derived_property(Generic[T]):  # used as a decorator, like property
    """A property that is computed from the fields of a `Value` when first read.

    Examples
    --------
    >>> class Square(Value):
    ...     def __init__(self, side):
    ...         self.side = side
    ...     @derived_property
    ...     def area(self):
    ...         return self.side**2
    >>> square = Square(3)
    >>> square.area, vars(square)
    (9, {'side': 3})
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Value, owner: type) -> T: ...
    def __get__(self, instance: Value | None, owner: type) -> Self | T:
        if instance is None:
            return self
        try:
            computed = instance._derived
        except AttributeError:
            computed = {}
            object.__setattr__(instance, "_derived", computed)
        try:
            value: T = computed[self._name]
        except KeyError:
            value = computed[self._name] = self._compute(instance)
        return value
